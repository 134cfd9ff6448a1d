"""PaymentIntents: found, listed, and cancelled as far as Stripe lets Checkout's be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox.conftest import Stripe


@pytest.fixture
def cancellable(api: Stripe) -> Iterator[None]:
    api.control("settings", {"voucher_cancellable": True})
    yield
    api.control("settings", {"voucher_cancellable": False})


def test_they_are_listed_by_customer_and_time(api: Stripe) -> None:
    paid: Any = api.paid_by_card(metadata={"a": "1"}, payment_intent_data={"metadata": {"b": "2"}})
    intents = api.client.v1.payment_intents
    assert [one.id for one in intents.list({"customer": paid.customer})] == [paid.payment_intent.id]
    where: Any = {"created": {"gte": paid.payment_intent.created}, "limit": 100}
    assert paid.payment_intent.id in [one.id for one in intents.list(where)]
    found = intents.retrieve(paid.payment_intent.id)
    assert found.metadata.to_dict() == {"b": "2"}
    assert api.refusal(lambda: intents.retrieve("pi_none")).http_status == 404
    created: Any = api.receiver.wait(found.id, "payment_intent.created")
    assert created.data.object.status == "requires_payment_method"


def test_a_pending_voucher_is_not_cancelled_by_default(api: Stripe) -> None:
    session: Any = api.with_voucher()
    error = api.refusal(lambda: api.client.v1.payment_intents.cancel(session.payment_intent.id))
    assert (error.code, error.http_status) == ("payment_intent_unexpected_state", 400)
    api.control(f"sessions/{session.id}/pay_at_till")


@pytest.mark.usefixtures("cancellable")
@pytest.mark.parametrize("status", ["complete", "open"])
def test_a_pending_voucher_is_cancelled_where_the_switch_lets_it(api: Stripe, status: str) -> None:
    api.control("settings", {"voucher_session_status": status})
    session: Any = api.with_voucher()
    api.control("settings", {"voucher_session_status": "complete"})
    assert session.status == status
    cancel = api.client.v1.payment_intents.cancel
    gone = cancel(session.payment_intent.id, {"cancellation_reason": "duplicate"})
    assert (gone.status, gone.cancellation_reason, gone.next_action) == ("canceled", "duplicate", None)
    assert gone.canceled_at
    api.receiver.wait(gone.id, "payment_intent.canceled")
    event: Any = api.receiver.wait(session.id, "checkout.session.async_payment_failed")
    assert (event.data.object.status, event.data.object.payment_status) == ("complete", "unpaid")
    # Nobody can pay it any more, by the till or by time.
    api.control(f"sessions/{session.id}/pay_at_till", status=400)
    assert api.refusal(lambda: cancel(gone.id)).code == "payment_intent_unexpected_state"


@pytest.mark.usefixtures("cancellable")
def test_the_switch_is_for_vouchers_only(api: Stripe) -> None:
    cancel = api.client.v1.payment_intents.cancel
    paid: Any = api.paid_by_card()
    assert api.refusal(lambda: cancel(paid.payment_intent.id)).code == "payment_intent_unexpected_state"
    session = api.create()
    api.control(f"sessions/{session.id}/pay_card", {"card_number": "4000000000000002"}, status=402)
    declined: Any = api.full(session.id).payment_intent
    assert api.refusal(lambda: cancel(declined.id)).code == "payment_intent_unexpected_state"
    wrong: Any = {"cancellation_reason": "mood"}
    assert api.refusal(lambda: cancel(declined.id, wrong)).param == "cancellation_reason"


def test_a_session_that_expires_takes_its_intent_along(api: Stripe) -> None:
    session = api.create()
    api.control(f"sessions/{session.id}/pay_card", {"card_number": "4000000000000002"}, status=402)
    api.sessions.expire(session.id)
    expired: Any = api.full(session.id)
    assert (expired.status, expired.payment_intent.status) == ("expired", "canceled")
    api.receiver.wait(expired.payment_intent.id, "payment_intent.canceled")
