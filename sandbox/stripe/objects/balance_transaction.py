"""Balance transactions: what a payment or refund does to the shop's balance, with Stripe's fee."""

from __future__ import annotations

from sandbox.stripe import clock, ids
from sandbox.stripe.call import Call
from sandbox.stripe.store import Json, Tx

# Fee in thousandths of the amount and its minimum in yen (stripe.md 2.1; a third party reports the minimum).
FEES = {"card": (36, 0), "konbini": (36, 120)}
PAYOUT_DELAY_SECONDS = 4 * 24 * 3600


def fee(method: str, amount: int) -> int:
    """Give Stripe's fee in yen, rounded half up."""
    per_mille, minimum = FEES[method]
    return max((amount * per_mille + 500) // 1000, minimum)


def for_charge(tx: Tx, charge: Json, method: str) -> Json:
    """Book a successful charge."""
    return _book(tx, charge, "charge", charge["amount"], fee(method, charge["amount"]))


def for_refund(tx: Tx, refund: Json) -> Json:
    """Book a refund; the fee of the payment is not given back (stripe.md 2.5)."""
    return _book(tx, refund, "refund", -refund["amount"], 0)


def for_failed_refund(tx: Tx, refund: Json) -> Json:
    """Book the money of a failed refund back."""
    return _book(tx, refund, "refund_failure", refund["amount"], 0)


def _book(tx: Tx, source: Json, type_: str, amount: int, fee_: int) -> Json:
    details = {
        "amount": fee_,
        "application": None,
        "currency": "jpy",
        "description": "Stripe processing fees",
    }
    now = clock.now()
    return tx.add(
        {
            "id": ids.new("balance_transaction"),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": now + PAYOUT_DELAY_SECONDS,
            "balance_type": "payments",
            "created": now,
            "currency": "jpy",
            "description": source.get("description"),
            "exchange_rate": None,
            "fee": fee_,
            "fee_details": [details | {"type": "stripe_fee"}] if fee_ else [],
            "net": amount - fee_,
            "reporting_category": type_,
            "source": source["id"],
            "status": "pending",
            "type": type_,
        }
    )


def retrieve(call: Call, transaction: str) -> Json:
    """GET /v1/balance_transactions/<id>."""
    return call.find("balance_transaction", transaction)
