"""The convenience stores where a voucher can be paid (Stripe: payment_intent_next_action_konbini_stores)."""

from typing import Any

# What to do names no more than the machine: its menus change, and Stripe's own voucher page shows them as they are.
# That the printed slip is good for 30 minutes is what the chains tell their customers (not from Stripe).
_MACHINE = {
    "ja": "店内の{machine}に払込番号と確認番号を入力し、出てきた用紙を30分以内にレジへ持っていって現金で支払います。",
    "en": "Enter both numbers at the {machine}, take the printed slip to the till within 30 minutes and pay in cash.",
}
_LOPPI = {"ja": _MACHINE["ja"].format(machine="Loppi"), "en": _MACHINE["en"].format(machine="Loppi machine")}

# Stripe's keys, the names on the street, and what to do there.
CHAINS = {
    "familymart": {
        "name": {"ja": "ファミリーマート", "en": "FamilyMart"},
        "how": {
            "ja": _MACHINE["ja"].format(machine="マルチコピー機"),
            "en": _MACHINE["en"].format(machine="multi-copy machine"),
        },
    },
    "lawson": {"name": {"ja": "ローソン", "en": "Lawson"}, "how": _LOPPI},
    "ministop": {"name": {"ja": "ミニストップ", "en": "Ministop"}, "how": _LOPPI},
    "seicomart": {
        "name": {"ja": "セイコーマート", "en": "Seicomart"},
        "how": {
            "ja": "レジで「インターネットの支払い」と伝え、払込番号と確認番号を入力して現金で支払います。",
            "en": "Say インターネットの支払い (an internet payment) at the till, enter both numbers and pay in cash.",
        },
    },
}


def chain_names(locale: str) -> str:
    """Return all chains as they stand in a sentence."""
    names = [chain["name"][locale] for chain in CHAINS.values()]
    return "、".join(names) if locale == "ja" else f"{', '.join(names[:-1])} or {names[-1]}"


def stores_of(voucher: dict[str, Any] | None, locale: str) -> list[dict[str, str]]:
    """Return `{name, how, payment_code, confirmation_number}` of each chain of an issued voucher."""
    return [
        {
            "name": CHAINS[key]["name"][locale] if key in CHAINS else key,
            "how": CHAINS[key]["how"][locale] if key in CHAINS else "",
            "payment_code": codes["payment_code"],
            "confirmation_number": codes.get("confirmation_number") or "",
        }
        for key, codes in (voucher or {}).get("stores", {}).items()
        if codes
    ]
