"""Balance transactions: what a payment, refund or dispute does to the shop's balance, with Stripe's fee."""

from __future__ import annotations

from sandbox.stripe import clock, ids, lists, switches
from sandbox.stripe.call import Call
from sandbox.stripe.store import Json, Tx

# Fee in thousandths of the amount and its minimum in yen. Cards: https://stripe.com/jp/pricing . For konbini
# Stripe publishes no figure; third parties report these two (https://www.ni4.jp/2022/03/04-190500.html).
FEES = {"card": (36, 0), "konbini": (36, 120)}
PAYOUT_DELAY_SECONDS = 4 * 24 * 3600

_FILTERS: lists.Filters = {
    "currency": lists.field("currency"),
    "source": lists.field("source"),
    "type": lists.field("type"),
}


def fee(method: str, amount: int) -> int:
    """Give Stripe's fee in yen, to the nearest yen (https://support.stripe.com/questions/rounding-rules-for-stripe-fees)."""
    per_mille, minimum = FEES[method]
    return max((amount * per_mille + 500) // 1000, minimum)


def for_charge(tx: Tx, charge: Json, method: str) -> Json:
    """Book a successful charge; what is no card is a `payment` to Stripe's books."""
    type_ = "charge" if method == "card" else "payment"
    return _book(tx, charge, type_, charge["amount"], fee(method, charge["amount"]), category="charge")


def for_refund(tx: Tx, refund: Json, method: str) -> Json:
    """Book a refund: the fee of the payment is not given back, and a konbini refund may cost one of its own."""
    if method == "card":
        return _book(tx, refund, "refund", -refund["amount"], 0)
    own_fee = switches.get(tx, "konbini_refund_fee_yen")
    return _book(tx, refund, "payment_refund", -refund["amount"], own_fee, category="refund")


def for_failed_refund(tx: Tx, refund: Json, method: str) -> Json:
    """Book the money of a failed or cancelled refund back; a fee of it stays paid (inferred)."""
    type_ = "refund_failure" if method == "card" else "payment_failure_refund"
    return _book(tx, refund, type_, refund["amount"], 0, category="refund_failure")


def for_dispute(tx: Tx, dispute: Json) -> Json:
    """Book the withdrawal of disputed money together with the fee, in one transaction as Stripe does.

    The fee in yen is the switch `dispute_fee_yen`; 1,500 is a third party's report (https://co-reception.com/?p=6115),
    Stripe's own page says only that Japan has a fee for received disputes and none for countering them
    (https://support.stripe.com/topics/disputes).
    """
    fee_ = switches.get(tx, "dispute_fee_yen")
    return _book(tx, dispute, "adjustment", -dispute["amount"], fee_, category="dispute", why="Dispute fee")


def for_won_dispute(tx: Tx, dispute: Json) -> Json:
    """Book disputed money back; the fee only if the switch `dispute_fee_returned` says so.

    Stripe's pages differ: the fee of a received dispute stays paid (https://support.stripe.com/topics/disputes),
    "the charge and related fees" come back (https://docs.stripe.com/testing#disputes, on winning evidence).
    """
    paid = dispute["balance_transactions"][0]["fee"] if switches.get(tx, "dispute_fee_returned") else 0
    return _book(
        tx, dispute, "adjustment", dispute["amount"], -paid, category="dispute_reversal", why="Dispute fee refund"
    )


def _book(
    tx: Tx, source: Json, type_: str, amount: int, fee_: int, *, category: str = "", why: str = "Stripe processing fees"
) -> Json:
    now = clock.now()
    detail = {"amount": fee_, "application": None, "currency": "jpy", "description": why, "type": "stripe_fee"}
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
            "fee": fee_,
            "fee_details": [detail] if fee_ else [],
            "net": amount - fee_,
            "reporting_category": category or type_,
            "source": source["id"],
            "status": "pending",
            "type": type_,
        }
    )


def retrieve(call: Call, transaction: str) -> Json:
    """GET /v1/balance_transactions/<id>."""
    return call.find("balance_transaction", transaction)


def list_(call: Call) -> Json:
    """GET /v1/balance_transactions."""
    return lists.page(call.tx, "balance_transaction", call.params, call.path, _FILTERS)
