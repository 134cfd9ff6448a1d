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


def test_a_waiting_refund_can_be_cancelled(api: Stripe) -> None:
    intent = _paid_in_cash(api)
    refunds = api.client.v1.refunds
    refund: Any = refunds.create({"payment_intent": intent.id, "amount": 600})
    assert refund.next_action.display_details.email_sent.email_sent_to == "Taro@example.com"
    gone: Any = refunds.cancel(refund.id, {"expand": ["failure_balance_transaction"]})
    assert (gone.status, gone.failure_reason, gone.next_action) == ("canceled", "merchant_request", None)
    assert gone.failure_balance_transaction.amount == 600
    event: Any = api.receiver.wait(refund.id, "charge.refund.updated")
    assert event.data.previous_attributes.status == "requires_action"
    charge = api.client.v1.charges.retrieve(refund.charge)
    assert (charge.refunded, charge.amount_refunded) == (False, 0)
    assert api.refusal(lambda: refunds.cancel(refund.id)).param == "refund"
    # The whole amount can be refunded again, and what is on its way is not stopped.
    again = refunds.create({"payment_intent": intent.id})
    api.control(f"refunds/{again.id}/outcome", {"status": "pending"})
    assert api.refusal(lambda: refunds.cancel(again.id)).http_status == 400


def test_a_card_refund_is_not_cancelled(api: Stripe) -> None:
    intent: Any = api.paid_by_card().payment_intent
    refund = api.client.v1.refunds.create({"payment_intent": intent.id})
    assert api.refusal(lambda: api.client.v1.refunds.cancel(refund.id)).param == "refund"
    assert api.refusal(lambda: api.client.v1.refunds.cancel("re_none")).http_status == 404


def test_a_refunds_metadata_can_be_changed_and_nothing_else(api: Stripe) -> None:
    intent: Any = api.paid_by_card().payment_intent
    refund = api.client.v1.refunds.create({"payment_intent": intent.id, "metadata": {"a": "1", "b": "2"}})
    changed: Any = api.client.v1.refunds.update(refund.id, {"metadata": {"a": "", "c": "3"}})
    assert changed.metadata.to_dict() == {"b": "2", "c": "3"}
    event: Any = api.receiver.wait(refund.id, "refund.updated")
    assert event.data.previous_attributes.to_dict() == {"metadata": {"a": "1", "b": "2"}}
    wrong: Any = {"amount": 1}
    assert api.refusal(lambda: api.client.v1.refunds.update(refund.id, wrong)).param == "amount"


def test_bank_details_that_never_come_fail_the_refund_after_45_days(own: Stripe) -> None:
    intent = _paid_in_cash(own)
    refund = own.client.v1.refunds.create({"payment_intent": intent.id})
    own.control("time/advance", {"days": 44})
    assert own.client.v1.refunds.retrieve(refund.id).status == "requires_action"
    own.control("time/advance", {"days": 2})
    assert own.client.v1.refunds.retrieve(refund.id).status == "failed"
    # An event older than 30 days would be gone: these came when the time was over.
    failed: Any = own.client.v1.events.list({"type": "refund.failed"}).data[0]
    assert failed.data.object.id == refund.id
    assert failed.created - refund.created == 45 * 24 * 3600
