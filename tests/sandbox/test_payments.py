"""The lives of a payment: card, decline, konbini with its outcomes, expiry; and Stripe's fee."""

from __future__ import annotations

from datetime import timedelta, timezone
from typing import Any

import pytest

from tests.helpers import wait_for
from tests.sandbox.conftest import Stripe

JST = timezone(timedelta(hours=9))
CHAINS = ["familymart", "lawson", "ministop", "seicomart"]


def test_a_new_session_is_open_and_empty(api: Stripe) -> None:
    session = api.create(1500)
    assert session.url == f"{api.base}/c/pay/{session.id}"
    assert (session.status, session.payment_status, session.livemode) == ("open", "unpaid", False)
    assert (session.amount_total, session.currency) == (1500, "jpy")
    assert (session.payment_intent, session.customer, session.customer_details) == (None, None, None)
    assert session.expires_at - session.created == 24 * 3600
    assert session.metadata is not None
    assert session.metadata["order_id"] == "order-1"
    assert "_sandbox" not in session.to_dict()
    assert session.id.startswith("cs_test_")


def test_a_card_pays_at_once(api: Stripe) -> None:
    session: Any = api.paid_by_card()
    assert (session.status, session.payment_status, session.url) == ("complete", "paid", None)
    assert session.customer_details.email == "Taro@example.com"
    assert session.customer.startswith("cus_")
    intent = session.payment_intent
    assert (intent.status, intent.amount_received, intent.metadata["order_id"]) == (
        "succeeded",
        1500,
        "order-1",
    )
    charge = intent.latest_charge
    assert (charge.paid, charge.payment_method_details.card.last4) == (True, "4242")
    money = charge.balance_transaction
    assert (money.amount, money.fee, money.net) == (1500, 54, 1446)
    for object_id, type_ in (
        (intent.id, "payment_intent.succeeded"),
        (charge.id, "charge.succeeded"),
        (session.id, "checkout.session.completed"),
    ):
        api.receiver.wait(object_id, type_)
    assert api.client.v1.charges.list({"payment_intent": intent.id}).data[0].id == charge.id
    assert api.client.v1.balance_transactions.retrieve(money.id).source == charge.id


@pytest.mark.parametrize(("amount", "card", "konbini"), [(200, 7, 120), (1500, 54, 120), (100_000, 3600, 3600)])
def test_the_fee_has_a_minimum_for_konbini(api: Stripe, amount: int, card: int, konbini: int) -> None:
    by_card: Any = api.paid_by_card(amount=amount)
    assert by_card.payment_intent.latest_charge.balance_transaction.fee == card
    voucher = api.with_voucher(amount=amount)
    api.control(f"sessions/{voucher.id}/pay_at_till")
    by_cash: Any = api.full(voucher.id)
    assert by_cash.payment_intent.latest_charge.balance_transaction.fee == konbini


def test_a_declined_card_leaves_the_session_open(api: Stripe) -> None:
    session = api.create()
    answer = api.control(f"sessions/{session.id}/pay_card", {"card_number": "4000000000000002"}, status=402)
    assert answer["error"]["code"] == "card_declined"
    declined: Any = api.full(session.id)
    assert (declined.status, declined.payment_status) == ("open", "unpaid")
    assert declined.payment_intent.status == "requires_payment_method"
    assert declined.payment_intent.last_payment_error.decline_code == "generic_decline"
    api.receiver.wait(declined.payment_intent.id, "payment_intent.payment_failed")
    api.control(f"sessions/{session.id}/pay_card")
    paid: Any = api.full(session.id)
    assert (paid.payment_status, paid.payment_intent.id) == ("paid", declined.payment_intent.id)


def test_an_unsubmitted_form_expires(api: Stripe) -> None:
    session = api.create()
    expired: Any = api.sessions.expire(session.id)
    assert (expired.status, expired.payment_status, expired.url) == ("expired", "unpaid", None)
    assert expired.customer_details.email == "Taro@example.com"
    event: Any = api.receiver.wait(session.id, "checkout.session.expired")
    assert event.request.id.startswith("req_")
    assert api.refusal(lambda: api.sessions.expire(session.id)).param == "session"
    api.control(f"sessions/{session.id}/pay_card", status=400)
    api.control(f"sessions/{session.id}/issue_voucher", status=400)


def test_only_open_sessions_expire_and_checkouts_intents_are_not_cancelled(api: Stripe) -> None:
    session: Any = api.with_voucher()
    assert api.refusal(lambda: api.sessions.expire(session.id)).http_status == 400
    error = api.refusal(lambda: api.client.v1.payment_intents.cancel(session.payment_intent.id))
    assert error.code == "payment_intent_unexpected_state"
    assert api.refusal(lambda: api.client.v1.payment_intents.cancel("pi_none")).http_status == 404


def test_a_method_that_is_not_offered_is_refused(api: Stripe) -> None:
    session = api.create(allowed_payment_method_types=["card"])
    api.control(f"sessions/{session.id}/issue_voucher", status=400)
    api.control(f"sessions/{session.id}/dance", status=400)
    api.control("sessions/cs_test_none/pay_card", status=404)


def test_the_control_api_lists_all(api: Stripe) -> None:
    session = api.create()
    listed = wait_for(lambda: api.control("sessions", method="GET"))
    assert listed[0]["id"] == session.id
    assert "_sandbox" not in listed[0]
