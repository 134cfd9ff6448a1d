"""Orders as a shop of three years has them: their names, who made them, how far they came, how they were paid."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

NOW = datetime(2026, 11, 1, tzinfo=UTC)
SPAN = timedelta(days=3 * 365)
RARE = 100
"""So many orders call for staff and were refunded at least: a page of them is as long among few as among many."""
Row = dict[str, Any]

STATES = {
    # state -> (share in a thousand, money)
    "delivered": (720, "paid"),
    "analysed": (150, "unpaid"),
    "abandoned": (60, "unpaid"),
    "rejected": (40, "unpaid"),
    "waiting": (15, "unpaid"),
    "failed": (10, "unpaid"),
    "uploaded": (3, "unpaid"),
    "cancelled": (2, "unpaid"),
}
PRODUCTS = {"csv-profile": 70, "quick-look": 25, "photo-check": 5}
DOMAINS = {
    "gmail.example": 40,
    "docomo.example": 20,
    "kaisha.example.co.jp": 15,
    "example.jp": 15,
    "daigaku.example": 10,
}
GIVEN = ("taro", "hanako", "yuki", "ken", "sakura", "haruto", "aoi", "rin", "sota", "mei")
FAMILY = ("sato", "suzuki", "takahashi", "tanaka", "ito", "yamamoto", "nakamura", "kobayashi", "kato", "yoshida")
NAMES = {"売上": 10, "data": 25, "report": 15, "顧客一覧": 5, "アンケート結果": 3, "export": 40, "測定": 2}


def uuid(dice: random.Random) -> str:
    """Return a random UUID that the same dice give again."""
    return str(UUID(int=dice.getrandbits(128), version=4))


def _pick(dice: random.Random, shares: dict[str, int]) -> str:
    return dice.choices(list(shares), list(shares.values()))[0]


def orders(count: int) -> Iterator[dict[str, list[Row]]]:
    """Yield the rows of each order by table, oldest first; the same ones each time."""
    dice = random.Random(count)  # noqa: S311  (no secret)
    shares = {state: share for state, (share, _) in STATES.items()}
    for number in range(count):
        at = NOW - SPAN * (1 - number / count) + timedelta(microseconds=dice.randrange(10**6))
        yield _order(dice, number, at, _pick(dice, shares), first_year=number < count / 3, rare=RARE / count)


def _order(
    dice: random.Random, number: int, at: datetime, state: str, *, first_year: bool, rare: float
) -> dict[str, list[Row]]:
    order_id, product = uuid(dice), _pick(dice, PRODUCTS)
    customer = dice.randrange(1 + number // 3)
    address = random.Random(customer)  # noqa: S311
    email = f"{address.choice(GIVEN)}.{address.choice(FAMILY)}{customer}@{_pick(address, DOMAINS)}"
    money = STATES[state][1] if dice.random() > max(0.002, 4 * rare) else "refunded"
    if state == "delivered" and money == "refunded":
        money = "partly_refunded"
    price = {"csv-profile": 1200 if first_year else 1500, "quick-look": 200, "photo-check": 800}[product]
    order: Row = {
        "id": order_id, "product": product, "email": email, "locale": "ja", "charge": "after_analysis",
        "price": price, "state": state, "money": money, "method": None, "upload_grant": f"g{number}",
        "filename": f"{_pick(dice, NAMES)}_{at:%Y%m%d}_{dice.randrange(10**6):06}.{dice.choice(('csv', 'CSV', 'tsv'))}",
        "size": dice.randrange(10**7), "progress": 100, "created_at": at, "uploaded_at": at,
        "attention": "double_payment" if dice.random() < max(0.0002, rare) else None,
        "paid_at": at + timedelta(hours=1) if money != "unpaid" else None,
        "delivered_at": at + timedelta(hours=1) if state == "delivered" else None,
    }  # fmt: skip
    rows: dict[str, list[Row]] = {"orders": [order], "payments": [], "refunds": [], "stripe_events": []}
    if state in {"delivered", "analysed"}:
        _pay(dice, rows, order)
    rows["audit"] = [
        {"order_id": order_id, "at": at, "kind": kind, "actor": "worker", "data": "{}"}
        for kind in ("order.created", "work.uploaded", "work.analysed")
    ]
    rows["mails"] = [
        {
            "id": uuid(dice), "dedup_key": f"{order_id}:result_open", "kind": "result_open", "order_id": order_id,
            "recipient": email, "locale": "ja", "params": "{}", "state": "sent", "created_at": at, "sent_at": at,
        }
    ]  # fmt: skip
    return rows


def _pay(dice: random.Random, rows: dict[str, list[Row]], order: Row) -> None:
    """Add one attempt to pay, sometimes two; a bank transfer is rare, and konbini belongs to the first year mostly."""
    at = order["created_at"]
    for attempt in range(2 if dice.random() < 0.1 else 1):  # noqa: PLR2004
        method = "bank_transfer" if dice.random() < 0.00005 else dice.choice(("card", "card", "konbini"))  # noqa: PLR2004
        mark = f"{dice.getrandbits(160):040x}"
        handling = 120 if method == "konbini" else 0
        codes = {
            "confirmation_number": f"{dice.randrange(10**11):011}",
            "payment_code": f"{dice.randrange(10**11):011}",
        }
        payment = {
            "id": uuid(dice), "order_id": order["id"], "method": method, "price": order["price"],
            "handling": handling, "amount": order["price"] + handling, "terms_version": "1",
            "state": order["money"] if attempt == 0 and order["money"] != "unpaid" else "expired",
            "session_id": f"cs_test_{mark}", "payment_intent_id": f"pi_{mark}", "customer_id": f"cus_{mark[:14]}",
            "voucher": json.dumps({"stores": {"lawson": codes, "familymart": codes}}) if handling else "null",
            "amount_refunded": 0, "created_at": at + timedelta(minutes=attempt), "paid_at": order["paid_at"],
        }  # fmt: skip
        order["method"] = method
        rows["payments"].append(payment)
        rows["stripe_events"].append(
            {
                "id": f"evt_{mark}", "type": "checkout.session.completed", "object_id": payment["session_id"],
                "state": "handled", "attempts": 1, "received_at": at,
            }
        )  # fmt: skip
    if order["money"].endswith("refunded"):
        first = rows["payments"][0]
        rows["refunds"].append(
            {
                "id": f"re_{first['session_id'][8:]}", "payment_id": first["id"], "amount": 100,
                "state": "succeeded", "created_at": at,
            }
        )  # fmt: skip
