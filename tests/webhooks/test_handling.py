"""What a taken event brings about, and that it does so once (AC-W04, W05, W08, W12)."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from app.checkout.settle import settle
from app.errors import StripeDownError
from app.models import Order, StripeEvent
from app.portal import EXTENSION, Portal
from app.settings import Settings
from app.webhooks.service import handle
from tests.checkout.shop import audit, go_to_stripe, mails, order_of, payments
from tests.helpers import Sandbox, free_port, get_json, reload, wait_for
from tests.webhooks.deliveries import deliver, encode, keep, make_event, sign, stored
from tests.webhooks.test_ingest import send


@contextmanager
def held(sandbox: Sandbox) -> Iterator[None]:
    """Let Stripe hold its own deliveries back, so that only the test delivers."""
    sandbox.control("settings", {"webhooks_paused": True})
    try:
        yield
    finally:
        sandbox.control("settings", {"webhooks_paused": False})


def events_of(sandbox: Sandbox, session_id: str) -> list[dict[str, Any]]:
    """Return Stripe's events of a session and its PaymentIntent, as they would be sent."""
    listed = get_json(f"{sandbox.stripe}/_control/api/events")
    for event in listed:
        event.pop("deliveries")
    return [e for e in listed if session_id in str(e) or _intent(listed, session_id) in str(e)]


def _intent(listed: list[dict[str, Any]], session_id: str) -> str:
    objects = [e["data"]["object"] for e in listed]
    return next(str(o["payment_intent"]) for o in objects if o["id"] == session_id and o["payment_intent"])


def once(portal: Portal, order: Order) -> None:
    """Assert that one payment paid the order and one delivery opened it."""
    kinds = audit(portal, order)
    for kind in ("payment.paid", "money.paid", "work.delivered"):
        assert kinds.count(kind) == 1, kinds
    assert mails(portal, order) == ["result_open"]


def test_ac_w04_the_same_event_fifty_times_at_once_on_four_processes(
    portal: Portal, client: FlaskClient, sandbox: Sandbox, four_processes: str
) -> None:
    """Fifty times 200, one transition, one delivery, one mail."""
    order = order_of(portal, client)
    session_id = go_to_stripe(client, order)
    with held(sandbox), ThreadPoolExecutor(16) as pool:
        sandbox.control(f"sessions/{session_id}/pay_card")
        event = next(e for e in events_of(sandbox, session_id) if e["type"] == "checkout.session.completed")
        assert list(pool.map(lambda _: send(four_processes, encode(event)), range(50))) == [200] * 50
        wait_for(lambda: reload(portal, order).state == "delivered", what="the delivery")
        wait_for(lambda: row_of(portal, event["id"]).state == "handled", what="the mark")
    once(portal, order)


def row_of(portal: Portal, event_id: str) -> StripeEvent:
    row = stored(portal, event_id)
    assert row is not None
    return row


def test_ac_w05_many_tell_of_one_payment(
    portal: Portal, app: Flask, client: FlaskClient, sandbox: Sandbox, live: str
) -> None:
    """Several events, the return page and a reconciler at the same moment: one unlock."""
    order = order_of(portal, client)
    session_id = go_to_stripe(client, order)

    def reconcile(_: int) -> None:
        with app.app_context():
            settle(session_id)

    with held(sandbox), ThreadPoolExecutor(16) as pool:
        sandbox.control(f"sessions/{session_id}/pay_card")
        sent = [pool.submit(send, live, encode(event)) for event in events_of(sandbox, session_id)]
        looks = [pool.submit(reconcile, n) for n in range(8)]
        back = client.get(f"/orders/{order.id}/return", query_string={"session_id": session_id})
        assert back.status_code == 303
        assert {job.result() for job in sent} == {200}
        assert [job.result() for job in looks] == [None] * 8
        wait_for(lambda: reload(portal, order).state == "delivered", what="the delivery")
    once(portal, order)


@pytest.mark.usefixtures("live")
def test_ac_w05_the_webhook_alone_is_enough(portal: Portal, client: FlaskClient, sandbox: Sandbox) -> None:
    """The payer never comes back, and the result opens once."""
    order = order_of(portal, client)
    sandbox.control(f"sessions/{go_to_stripe(client, order)}/pay_card")
    wait_for(lambda: reload(portal, order).state == "delivered", what="the delivery")
    once(portal, order)


@pytest.mark.usefixtures("live")
def test_ac_w05_the_return_page_alone_is_enough(portal: Portal, client: FlaskClient, sandbox: Sandbox) -> None:
    """No webhook comes, and the result opens once."""
    order = order_of(portal, client)
    session_id = go_to_stripe(client, order)
    with held(sandbox):
        sandbox.control(f"sessions/{session_id}/pay_card")
        client.get(f"/orders/{order.id}/return", query_string={"session_id": session_id})
        assert reload(portal, order).money == "paid"
        wait_for(lambda: reload(portal, order).state == "delivered", what="the delivery")
    once(portal, order)


@pytest.mark.usefixtures("live")
def test_ac_w08_card_after_voucher_and_then_the_till(portal: Portal, client: FlaskClient, sandbox: Sandbox) -> None:
    """Paid twice, opened once; the card payment goes back by itself, the order stays paid."""
    order = order_of(portal, client)
    voucher = go_to_stripe(client, order, "konbini")
    sandbox.control(f"sessions/{voucher}/issue_voucher")
    wait_for(lambda: payments(portal, order)[0].state == "awaiting", what="the voucher")
    card = go_to_stripe(client, order, "card", voucher_known="1")
    sandbox.control(f"sessions/{card}/pay_card")
    wait_for(lambda: reload(portal, order).state == "delivered", what="the delivery")
    sandbox.control(f"sessions/{voucher}/pay_at_till")
    wait_for(lambda: {p.state for p in payments(portal, order)} == {"paid", "refunded"}, what="the card's refund")
    by_method = {p.method: p for p in payments(portal, order)}
    assert (by_method["card"].state, by_method["card"].anomaly) == ("refunded", "double_payment")
    assert (by_method["konbini"].state, by_method["konbini"].anomaly) == ("paid", None)
    wait_for(lambda: reload(portal, order).attention is None, what="the end of the alarm")
    assert reload(portal, order).money == "paid"
    assert audit(portal, order).count("work.delivered") == 1
    assert mails(portal, order) == ["paid_twice", "result_open", "voucher"]


@pytest.mark.usefixtures("live")
def test_money_after_the_voucher_expired(portal: Portal, client: FlaskClient, sandbox: Sandbox) -> None:
    """A voucher that ran out leads back to the choice; the page never decides that by its own clock."""
    order = order_of(portal, client)
    session_id = go_to_stripe(client, order, "konbini")
    sandbox.control(f"sessions/{session_id}/issue_voucher")
    wait_for(lambda: payments(portal, order)[0].state == "awaiting", what="the voucher")
    sandbox.control(f"sessions/{session_id}/expire_voucher")
    wait_for(lambda: payments(portal, order)[0].state == "failed", what="the end of the voucher")
    assert mails(portal, order) == ["payment_expired", "voucher"]
    again = go_to_stripe(client, order, "konbini")
    assert again != session_id


def test_ac_w12_handled_only_after_the_effect(
    portal: Portal, settings: Settings, client: FlaskClient, sandbox: Sandbox
) -> None:
    """The effect fails, the event is not handled; the next try does it."""
    order = order_of(portal, client)
    session_id = go_to_stripe(client, order)
    with held(sandbox):
        sandbox.control(f"sessions/{session_id}/pay_card")
        event_id = keep(portal, "checkout.session.completed", id=session_id)
        no_stripe = create_app(settings.model_copy(update={"stripe_api_base": f"http://127.0.0.1:{free_port()}"}))
        with no_stripe.app_context(), pytest.raises(StripeDownError):
            handle(event_id)
        no_stripe.extensions[EXTENSION].database.close()
        assert row_of(portal, event_id).state == "received"
        assert reload(portal, order).money == "unpaid"
        handle(event_id)
        assert row_of(portal, event_id).state == "handled"
        assert reload(portal, order).money == "paid"
        handle(event_id)
    assert audit(portal, order).count("money.paid") == 1


@pytest.mark.usefixtures("live")
def test_sessions_that_are_not_ours(portal: Portal, client: FlaskClient) -> None:
    """Other business on the account, and sessions that Stripe does not know: ignored, with the reason."""
    event = make_event(data={"object": {"id": f"cs_test_{int(time.time() * 1000)}"}})
    body = encode(event)
    assert deliver(client, body, sign(body)).status_code == 200
    wait_for(lambda: row_of(portal, event["id"]).state == "ignored", what="the mark")
    assert "unknown at Stripe" in str(row_of(portal, event["id"]).note)


def test_an_event_about_nothing(portal: Portal, sandbox: Sandbox) -> None:
    """Its object has no id: Stripe is not asked for a Checkout Session without a name."""
    asked = f"{sandbox.stripe}/_control/api/calls?after="
    before = get_json(f"{asked}0")
    for type_ in ("checkout.session.completed", "payment_intent.succeeded"):
        event_id = keep(portal, type_)
        handle(event_id)
        assert row_of(portal, event_id).note == "no Checkout Session"
        assert row_of(portal, event_id).state == "ignored"
    paths = {call["path"] for call in get_json(f"{asked}{before[-1]['seq'] if before else 0}")}
    assert "/v1/checkout/sessions/" not in paths
