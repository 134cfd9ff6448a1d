"""Refunds: a card's at once, a konbini payer's through a bank account."""

from __future__ import annotations

from typing import Any

from tests.sandbox.conftest import Stripe


def _paid_in_cash(api: Stripe) -> Any:
    session = api.with_voucher()
    api.control(f"sessions/{session.id}/pay_at_till")
    return api.full(session.id).payment_intent


def test_a_card_refund_succeeds_at_once(api: Stripe) -> None:
    intent: Any = api.paid_by_card().payment_intent
    refund: Any = api.client.v1.refunds.create(
        {"payment_intent": intent.id, "reason": "requested_by_customer", "metadata": {"why": "test"}}
    )
    assert (refund.status, refund.amount, refund.charge) == ("succeeded", 1500, intent.latest_charge.id)
    charge: Any = api.client.v1.charges.retrieve(refund.charge, {"expand": ["refunds"]})
    assert (charge.refunded, charge.amount_refunded) == (True, 1500)
    assert [one.id for one in charge.refunds.data] == [refund.id]
    api.receiver.wait(refund.id, "refund.created")
    api.receiver.wait(charge.id, "charge.refunded")
    money = api.client.v1.balance_transactions.retrieve(refund.balance_transaction)
    assert (money.amount, money.fee) == (-1500, 0)
    assert api.client.v1.refunds.retrieve(refund.id).metadata["why"] == "test"  # type: ignore[index]


def test_partial_refunds_add_up_to_the_charge_and_no_further(api: Stripe) -> None:
    intent: Any = api.paid_by_card().payment_intent
    first: Any = api.client.v1.refunds.create({"payment_intent": intent.id, "amount": 1000})
    charge = api.client.v1.charges.retrieve(first.charge)
    assert (charge.refunded, charge.amount_refunded) == (False, 1000)
    error = api.refusal(lambda: api.client.v1.refunds.create({"charge": charge.id, "amount": 501}))
    assert error.param == "amount"
    api.client.v1.refunds.create({"charge": charge.id, "amount": 500})
    error = api.refusal(lambda: api.client.v1.refunds.create({"charge": charge.id}))
    assert error.code == "charge_already_refunded"
    assert len(api.client.v1.refunds.list({"payment_intent": intent.id}).data) == 2


def test_a_konbini_refund_waits_for_a_bank_account(api: Stripe) -> None:
    intent = _paid_in_cash(api)
    refund: Any = api.client.v1.refunds.create({"payment_intent": intent.id, "instructions_email": "bank@example.com"})
    assert refund.status == "requires_action"
    assert refund.next_action.display_details.email_sent.email_sent_to == "bank@example.com"
    assert refund.next_action.display_details.expires_at - refund.created == 45 * 24 * 3600
    for times, status in enumerate(("pending", "requires_action", "pending", "succeeded"), start=1):
        api.control(f"refunds/{refund.id}/outcome", {"status": status})
        assert api.client.v1.refunds.retrieve(refund.id).status == status
        api.receiver.wait(refund.id, "refund.updated", times)
    event: Any = api.client.v1.events.list({"type": "refund.updated"}).data[0]
    assert event.data.previous_attributes.status == "pending"
    api.control(f"refunds/{refund.id}/outcome", {"status": "failed"}, status=400)


def test_a_failed_refund_gives_the_money_back_to_the_charge(api: Stripe) -> None:
    intent = _paid_in_cash(api)
    refund: Any = api.client.v1.refunds.create({"payment_intent": intent.id})
    api.control(f"refunds/{refund.id}/outcome", {"status": "failed"})
    for type_ in ("refund.failed", "charge.refund.updated"):
        event: Any = api.receiver.wait(refund.id, type_)
        assert event.data.object.status == "failed"
    charge: Any = api.client.v1.charges.retrieve(refund.charge)
    assert (charge.refunded, charge.amount_refunded) == (False, 0)


def test_what_cannot_be_refunded(api: Stripe) -> None:
    unpaid: Any = api.with_voucher().payment_intent
    create = api.client.v1.refunds.create
    assert api.refusal(lambda: create({"payment_intent": unpaid.id})).param == "payment_intent"
    assert api.refusal(lambda: create({"payment_intent": "pi_none"})).http_status == 404
    assert api.refusal(lambda: create({})).http_status == 400
    paid: Any = api.paid_by_card().payment_intent
    assert api.refusal(lambda: create({"payment_intent": paid.id, "amount": 0})).param == "amount"
    assert api.refusal(lambda: create({"payment_intent": paid.id, "reason": "mood"})).param == "reason"
    api.control("refunds/re_none/outcome", {"status": "failed"}, status=404)
