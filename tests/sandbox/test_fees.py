"""What Stripe keeps of each payment, refund and dispute."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import Stripe


def _money(api: Stripe, source: str) -> Any:
    (found,) = api.client.v1.balance_transactions.list({"source": source}).data
    return found


def _paid_in_cash(api: Stripe, amount: int) -> Any:
    session = api.with_voucher(amount=amount)
    api.control(f"sessions/{session.id}/pay_at_till")
    intent: Any = api.full(session.id).payment_intent
    return intent.latest_charge


@pytest.mark.parametrize(
    # 3.6 % of 1,513 yen is 54.468, of 1,514 is 54.504: to the nearest yen; 3,333 yen: 119.988.
    ("amount", "card", "konbini"),
    [(200, 7, 120), (1500, 54, 120), (1513, 54, 120), (1514, 55, 120), (3334, 120, 120), (3350, 121, 121),
     (100_000, 3600, 3600)],
)  # fmt: skip
def test_each_method_has_its_fee(api: Stripe, amount: int, card: int, konbini: int) -> None:
    by_card: Any = api.paid_by_card(amount=amount).payment_intent
    money = by_card.latest_charge.balance_transaction
    assert (money.type, money.fee, money.net) == ("charge", card, amount - card)
    assert [(one.amount, one.type) for one in money.fee_details] == [(card, "stripe_fee")]
    by_cash = _money(api, _paid_in_cash(api, amount).id)
    assert (by_cash.type, by_cash.fee, by_cash.net) == ("payment", konbini, amount - konbini)
    assert by_cash.reporting_category == money.reporting_category == "charge"


def test_refunds_do_not_return_the_fee(api: Stripe) -> None:
    card: Any = api.paid_by_card().payment_intent
    refund = api.client.v1.refunds.create({"payment_intent": card.id, "amount": 500})
    money = _money(api, refund.id)
    assert (money.type, money.amount, money.fee, money.net) == ("refund", -500, 0, -500)


@pytest.mark.parametrize("fee", [0, 275])
def test_a_konbini_refund_may_cost_a_fee_that_a_failure_keeps(api: Stripe, fee: int) -> None:
    charge = _paid_in_cash(api, 1500)
    api.control("settings", {"konbini_refund_fee_yen": fee})
    try:
        refund = api.client.v1.refunds.create({"charge": charge.id})
    finally:
        api.control("settings", {"konbini_refund_fee_yen": 0})
    money = _money(api, refund.id)
    assert (money.type, money.amount, money.fee, money.net) == ("payment_refund", -1500, fee, -1500 - fee)
    api.control(f"refunds/{refund.id}/outcome", {"status": "failed"})
    failed: Any = api.client.v1.refunds.retrieve(refund.id, {"expand": ["failure_balance_transaction"]})
    back = failed.failure_balance_transaction
    assert (back.type, back.amount, back.fee) == ("payment_failure_refund", 1500, 0)


def test_the_books_are_listed(api: Stripe) -> None:
    charge: Any = api.paid_by_card().payment_intent
    listed = api.client.v1.balance_transactions.list
    where: Any = {"type": "charge", "created": {"gte": charge.created}, "limit": 100}
    assert charge.latest_charge.balance_transaction.id in [one.id for one in listed(where)]
    assert all(one.type == "charge" for one in listed(where))
    assert listed({"source": "ch_none"}).data == []
    assert api.refusal(lambda: listed({"payout": "po_1"})).param == "payout"
    assert api.refusal(lambda: api.client.v1.balance_transactions.retrieve("txn_none")).http_status == 404


def test_an_unlucky_card_costs_nothing(api: Stripe) -> None:
    session = api.create()
    api.control(f"sessions/{session.id}/pay_card", {"card_number": "4000000000000002"}, status=402)
    declined: Any = api.full(session.id).payment_intent
    assert declined.latest_charge.balance_transaction is None
    assert api.client.v1.balance_transactions.list({"source": declined.latest_charge.id}).data == []
