"""3-D Secure, declines, wallets and disputed cards: what https://docs.stripe.com/testing says of each number."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import Stripe
from tests.sandbox.pages import get, submit

ASKS: dict[str, Any] = {"payment_method_options": {"card": {"request_three_d_secure": "any"}}}


def by_card(api: Stripe, session_id: str, number: str) -> tuple[int, str, str]:
    card = {"card_number": number, "card_expiry": "12/40", "card_cvc": "123", "card_name": "TARO"}
    return submit(api, f"/c/pay/{session_id}", email="taro@example.com", method="card", **card)


def pay(api: Stripe, number: str, answer: str = "pass", *, status: int = 200, **changes: Any) -> Any:
    session = api.create(**changes)
    api.control(f"sessions/{session.id}/pay_card", {"card_number": number, "three_d_secure": answer}, status=status)
    return api.full(session.id)


def secure(session: Any) -> Any:
    return session.payment_intent.latest_charge.payment_method_details.card.three_d_secure


@pytest.mark.parametrize("number", ["4000002760003184", "4000000000003220", "4000002500003155", "4000003800000446"])
def test_the_bank_asks_and_the_session_stays_open_meanwhile(api: Stripe, number: str) -> None:
    session = api.create()
    status, path, page = by_card(api, session.id, number)
    waiting: Any = api.full(session.id)
    assert (status, path) == (200, f"/3ds/{waiting.payment_intent.id}")
    assert number[-4:] in page
    assert (waiting.status, waiting.payment_status) == ("open", "unpaid")
    intent = waiting.payment_intent
    assert (intent.status, intent.latest_charge) == ("requires_action", None)
    assert intent.next_action.type == "redirect_to_url"
    assert intent.next_action.redirect_to_url.url == f"{api.base}{path}"
    api.receiver.wait(intent.id, "payment_intent.requires_action")
    api.control(f"sessions/{session.id}/pay_at_till", status=400)  # a challenge is no voucher


def test_an_authenticated_card_pays_and_says_so(api: Stripe) -> None:
    paid = pay(api, "4000000000003220")
    assert (paid.status, paid.payment_status, paid.payment_intent.next_action) == ("complete", "paid", None)
    assert (secure(paid).result, secure(paid).authentication_flow) == ("authenticated", "challenge")
    api.receiver.wait(paid.id, "checkout.session.completed")


def test_a_failed_challenge_leads_back_to_the_form_with_a_word(api: Stripe) -> None:
    session = api.create()
    _, path, _ = by_card(api, session.id, "4000002760003184")
    status, back, page = submit(api, path, answer="fail")
    assert (status, back) == (200, f"/c/pay/{session.id}")
    assert "本人認証が完了しませんでした" in page
    failed: Any = api.full(session.id)
    assert (failed.status, failed.payment_status) == ("open", "unpaid")
    intent = failed.payment_intent
    assert (intent.status, intent.latest_charge, intent.next_action) == ("requires_payment_method", None, None)
    assert intent.last_payment_error.code == "payment_intent_authentication_failure"
    api.receiver.wait(intent.id, "payment_intent.payment_failed")
    # The bank's page is over, and another card pays on the same PaymentIntent.
    submit(api, path, answer="complete")
    assert api.sessions.retrieve(session.id).payment_status == "unpaid"
    api.control(f"sessions/{session.id}/pay_card")
    paid: Any = api.full(session.id)
    assert (paid.payment_status, paid.payment_intent.id) == ("paid", intent.id)


def test_another_card_is_tried_while_the_bank_asks(api: Stripe) -> None:
    session = api.create()
    _, path, _ = by_card(api, session.id, "4000002760003184")
    api.control(f"sessions/{session.id}/pay_card")
    submit(api, path, answer="complete")
    intent: Any = api.full(session.id).payment_intent
    assert len(api.client.v1.charges.list({"payment_intent": intent.id}).data) == 1
    assert intent.amount_received == 1500


def test_an_answer_after_the_session_expired_pays_nothing(api: Stripe) -> None:
    session = api.create()
    _, path, _ = by_card(api, session.id, "4000002760003184")
    api.sessions.expire(session.id)
    submit(api, path, answer="complete")
    assert api.sessions.retrieve(session.id).payment_status == "unpaid"


@pytest.mark.parametrize(
    ("number", "code", "decline"),
    [
        ("4000008400001629", "card_declined", "generic_decline"),
        ("4000008260003178", "card_declined", "insufficient_funds"),
    ],
)
def test_a_card_is_declined_after_the_bank_asked(api: Stripe, number: str, code: str, decline: str) -> None:
    declined = pay(api, number, status=402)
    error = declined.payment_intent.last_payment_error
    assert (error.code, error.decline_code) == (code, decline)
    assert secure(declined).result == "authenticated"
    assert (declined.status, declined.payment_intent.status) == ("open", "requires_payment_method")


def test_a_lookup_that_fails_declines_the_card_that_needs_it(api: Stripe) -> None:
    declined = pay(api, "4000008400001280", status=402)
    assert secure(declined).result == "processing_error"
    assert api.receiver.of(declined.payment_intent.id).count("payment_intent.requires_action") == 0


@pytest.mark.parametrize(
    ("number", "result"),
    [
        ("4242424242424242", "attempt_acknowledged"),  # supported, not enrolled: never asked
        ("4000000000003055", "authenticated"),
        ("4000000000003097", "processing_error"),
        ("378282246310005", "not_supported"),
    ],
)
def test_a_shop_that_requests_3d_secure(api: Stripe, number: str, result: str) -> None:
    paid = pay(api, number, **ASKS)
    assert (paid.payment_status, secure(paid).result) == ("paid", result)
    asked = api.client.v1.events.list({"type": "payment_intent.requires_action"}).data
    assert (paid.payment_intent.id in [event.data.object.id for event in asked]) == (result == "authenticated")


@pytest.mark.parametrize("number", ["4242424242424242", "4000000000003055"])
def test_nobody_is_asked_where_it_is_not_required(api: Stripe, number: str) -> None:
    assert secure(pay(api, number)) is None


@pytest.mark.parametrize(
    ("number", "code", "decline"),
    [
        ("4000000000000002", "card_declined", "generic_decline"),
        ("4000000000009995", "card_declined", "insufficient_funds"),
        ("4000000000009987", "card_declined", "lost_card"),
        ("4000000000009979", "card_declined", "stolen_card"),
        ("4000000000000069", "expired_card", None),
        ("4000000000000127", "incorrect_cvc", None),
        ("4000000000000119", "processing_error", None),
        ("4000000000006975", "card_declined", "card_velocity_exceeded"),
        ("4100000000000019", "card_declined", "fraudulent"),
    ],
)
def test_every_documented_decline(api: Stripe, number: str, code: str, decline: str | None) -> None:
    session = api.create()
    status, path, page = by_card(api, session.id, number)
    assert (status, path) == (422, f"/c/pay/{session.id}")
    assert not [word for word in ("lost", "stolen", "fraud", "盗難", "紛失") if word in page]  # not for the payer
    error = api.full(session.id).payment_intent.last_payment_error  # type: ignore[union-attr]
    assert (error.code, getattr(error, "decline_code", None)) == (code, decline)  # type: ignore[union-attr]
    charge: Any = api.full(session.id).payment_intent.latest_charge  # type: ignore[union-attr]
    assert (charge.status, charge.failure_code) == ("failed", code)


def test_a_wallet_brings_its_own_address(api: Stripe) -> None:
    session = api.create()
    assert "wallet" not in get(api, f"/c/pay/{session.id}")[2]
    api.control("settings", {"wallet_email": "apple-id@example.com"})
    try:
        assert "apple-id@example.com" in get(api, f"/c/pay/{session.id}")[2]
        submit(api, f"/c/pay/{session.id}", wallet="apple_pay")
    finally:
        api.control("settings", {"wallet_email": ""})
    paid: Any = api.full(session.id)
    assert (paid.payment_status, paid.customer_email) == ("paid", "Taro@example.com")
    assert paid.customer_details.email == "apple-id@example.com"
    charge = paid.payment_intent.latest_charge
    assert charge.billing_details.email == "apple-id@example.com"
    assert charge.payment_method_details.card.wallet.type == "apple_pay"
    # Without the switch the button is not there, and pressing it all the same is an unfinished form.
    other = api.create()
    assert submit(api, f"/c/pay/{other.id}", wallet="apple_pay")[0] == 422
    assert api.sessions.retrieve(other.id).status == "open"


def test_a_card_that_will_be_disputed(api: Stripe) -> None:
    paid = pay(api, "4000000000000259")
    assert paid.payment_status == "paid"
    (dispute,) = api.client.v1.disputes.list({"payment_intent": paid.payment_intent.id}).data
    assert (dispute.reason, dispute.amount, dispute.status) == ("fraudulent", 1500, "needs_response")
    api.receiver.wait(dispute.id, "charge.dispute.created")


def test_the_control_api_knows_two_answers(api: Stripe) -> None:
    failed = pay(api, "4000000000003220", "fail", status=402)
    assert failed.payment_intent.status == "requires_payment_method"
    pay(api, "4000000000003220", "perhaps", status=400)
