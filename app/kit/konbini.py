"""The convenience stores where a voucher can be paid (Stripe: payment_intent_next_action_konbini_stores)."""

from typing import Any

# Stripe's keys, and the names on the street.
CHAINS = {
    "familymart": {"ja": "ファミリーマート", "en": "FamilyMart"},
    "lawson": {"ja": "ローソン", "en": "Lawson"},
    "ministop": {"ja": "ミニストップ", "en": "Ministop"},
    "seicomart": {"ja": "セイコーマート", "en": "Seicomart"},
}


def chain_names(locale: str) -> str:
    """Return all chains as they stand in a sentence."""
    names = [chain[locale] for chain in CHAINS.values()]
    return "、".join(names) if locale == "ja" else f"{', '.join(names[:-1])} or {names[-1]}"


def stores_of(voucher: dict[str, Any] | None, locale: str) -> list[dict[str, str]]:
    """Return `{name, payment_code, confirmation_number}` of each chain of an issued voucher."""
    return [
        {
            "name": CHAINS.get(key, {}).get(locale, key),
            "payment_code": codes["payment_code"],
            "confirmation_number": codes.get("confirmation_number") or "",
        }
        for key, codes in (voucher or {}).get("stores", {}).items()
        if codes
    ]
