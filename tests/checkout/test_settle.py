"""Settling: what does not fit is set aside (AC-W09), and refunds are followed (AC-W17)."""

import json
import urllib.parse
import urllib.request
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.checkout.facts import read_session
from app.checkout.settle import NotOurSessionError, mismatch, settle
from app.gateways.stripe import SessionRequest
from app.kit.ids import new_id
from app.models import Order, Payment
from app.portal import Portal
from tests.checkout.shop import audit, go_to_stripe, mails, order_of, payments
from tests.helpers import Sandbox, make_order, make_payment, reload


def ask_stripe(sandbox: Sandbox, path: str, **params: str | int) -> dict[str, Any]:
    """Call the stand-in as the company's own people would in Stripe's dashboard."""
    request = urllib.request.Request(
        f"{sandbox.stripe}/v1/{path}",
        data=urllib.parse.urlencode(params).encode(),
        headers={"Authorization": "Bearer sk_test_dummy_for_the_stand_in", "Idempotency-Key": new_id()},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return dict(json.load(answer))


def session_for(portal: Portal, order: Order, **changes: Any) -> tuple[Payment, str]:
    """Store an open attempt with a session that differs from it in what `changes` says."""
    attempt = new_id()
    asked = SessionRequest(
        attempt_id=attempt,
        begun_at=portal.clock(),
        order_id=order.id,
        portal_id="kaiseki-demo",
        email=order.email,
        method="card",
        name="CSV",
        price=order.price,
        handling=0,
        handling_name="-",
        locale="ja",
        success_url="http://127.0.0.1/s",
        cancel_url="http://127.0.0.1/c",
        submit_note="-",
        expires_after_days=None,
    )
    made = portal.stripe.create_session(replace(asked, **changes))
    return make_payment(portal, order, id=attempt, session_id=made["id"]), made["id"]


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"price": 1499}, "amount_mismatch"),
        ({"price": 1501}, "amount_mismatch"),
        ({"handling": 1}, "amount_mismatch"),
        ({"order_id": new_id()}, "order_mismatch"),
        ({"portal_id": "another-shop"}, "portal_mismatch"),
    ],
)
def test_quarantine(changes: dict[str, Any], name: str, portal: Portal, client: FlaskClient, sandbox: Sandbox) -> None:
    """AC-W09: nothing opens, staff are told."""
    order = order_of(portal, client)
    _, session_id = session_for(portal, order, **changes)
    sandbox.control(f"sessions/{session_id}/pay_card")
    settle(session_id)
    settle(session_id)
    (payment,) = payments(portal, order)
    assert (payment.state, payment.anomaly) == ("open", name)
    fresh = reload(portal, order)
    assert (fresh.money, fresh.state, fresh.attention) == ("unpaid", "analysed", name)
    assert audit(portal, order) == ["payment.quarantined"]
    assert mails(portal, order) == []


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"currency": "usd"}, "currency_mismatch"),
        ({"mode": "subscription"}, "mode_mismatch"),
        ({"livemode": True}, "livemode_mismatch"),
        ({"metadata": {}}, "portal_mismatch"),
        ({"metadata": None}, "portal_mismatch"),
        ({"client_reference_id": None}, "order_mismatch"),
        ({"amount_total": 0}, "amount_mismatch"),
        ({"amount_total": None}, "amount_mismatch"),
        ({}, None),
    ],
)
def test_mismatches_that_no_session_of_the_stand_in_has(
    changes: dict[str, Any], name: str | None, portal: Portal, client: FlaskClient
) -> None:
    order = order_of(portal, client)
    payment, session_id = session_for(portal, order)
    session = {**portal.stripe.retrieve_session(session_id), **changes}
    assert mismatch(read_session(session), payment, order) == name


def test_a_session_of_other_business(portal: Portal, client: FlaskClient) -> None:
    order = order_of(portal, client)
    _, session_id = session_for(portal, make_order(portal), portal_id="another-shop")
    with portal.database.transaction() as session:
        session.delete(session.get_one(Payment, _.id))
    with pytest.raises(NotOurSessionError):
        settle(session_id)
    assert audit(portal, order) == []


def test_another_orders_paid_session_does_not_pay_this_one(
    portal: Portal, client: FlaskClient, sandbox: Sandbox
) -> None:
    rich, poor = order_of(portal, client), order_of(portal, client)
    session_id = go_to_stripe(client, poor)
    (payment,) = payments(portal, poor)
    with portal.database.transaction() as session:
        session.get_one(Payment, payment.id).order_id = rich.id
    sandbox.control(f"sessions/{session_id}/pay_card")
    settle(session_id)
    assert reload(portal, rich).money == "unpaid"
    assert reload(portal, rich).attention == "order_mismatch"


def paid(portal: Portal, client: FlaskClient, sandbox: Sandbox, method: str = "card") -> tuple[Order, str, str]:
    """Give a paid order, its session and its PaymentIntent."""
    order = order_of(portal, client)
    session_id = go_to_stripe(client, order, method)
    if method == "konbini":
        sandbox.control(f"sessions/{session_id}/issue_voucher")
        sandbox.control(f"sessions/{session_id}/pay_at_till")
    else:
        sandbox.control(f"sessions/{session_id}/pay_card")
    return order, session_id, str(portal.stripe.retrieve_session(session_id)["payment_intent"]["id"])


def money(portal: Portal, order: Order) -> tuple[str, str, int]:
    (payment,) = payments(portal, order)
    return reload(portal, order).money, payment.state, payment.amount_refunded


def test_two_partial_refunds(portal: Portal, client: FlaskClient, sandbox: Sandbox) -> None:
    order, session_id, intent = paid(portal, client, sandbox)
    settle(session_id)
    ask_stripe(sandbox, "refunds", payment_intent=intent, amount=500)
    settle(session_id)
    assert money(portal, order) == ("partly_refunded", "partly_refunded", 500)
    ask_stripe(sandbox, "refunds", payment_intent=intent, amount=1000)
    settle(session_id)
    settle(session_id)
    assert money(portal, order) == ("refunded", "refunded", 1500)
    assert audit(portal, order).count("refund.succeeded") == 2


def test_refunded_before_we_saw_it_paid(portal: Portal, client: FlaskClient, sandbox: Sandbox) -> None:
    order, session_id, intent = paid(portal, client, sandbox)
    ask_stripe(sandbox, "refunds", payment_intent=intent)
    settle(session_id)
    assert money(portal, order) == ("refunded", "refunded", 1500)
    kinds = audit(portal, order)
    assert kinds.index("money.paid") < kinds.index("money.refunded")


def test_a_konbini_refund_that_fails(portal: Portal, client: FlaskClient, sandbox: Sandbox) -> None:
    """The bank details never came: after weeks the money is ours again, and the result opens again."""
    order, session_id, intent = paid(portal, client, sandbox, "konbini")
    settle(session_id)
    refund = ask_stripe(sandbox, "refunds", payment_intent=intent)
    settle(session_id)
    assert money(portal, order) == ("refunded", "refunded", 1620)
    sandbox.control(f"refunds/{refund['id']}/outcome", {"status": "failed"})
    settle(session_id)
    assert money(portal, order) == ("paid", "paid", 0)
    assert audit(portal, order)[-3:] == ["refund.failed", "payment.paid", "money.refund_failed"]


def test_an_old_answer_does_not_undo_a_refund(
    portal: Portal, client: FlaskClient, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read before the refund, applied after it: the state stays where the newer answer brought it."""
    order, session_id, intent = paid(portal, client, sandbox)
    old = portal.stripe.retrieve_session(session_id)
    settle(session_id)
    ask_stripe(sandbox, "refunds", payment_intent=intent)
    settle(session_id)
    with monkeypatch.context() as slow:
        slow.setattr(portal.stripe, "retrieve_session", lambda _id: old)
        settle(session_id)
    assert money(portal, order) == ("refunded", "refunded", 1500)


def test_refund_of_the_second_payment_leaves_the_order_paid(
    portal: Portal, client: FlaskClient, sandbox: Sandbox
) -> None:
    order, session_id, _ = paid(portal, client, sandbox)
    settle(session_id)
    _, second = session_for(portal, order)
    sandbox.control(f"sessions/{second}/pay_card")
    settle(second)
    assert reload(portal, order).attention == "double_payment"
    intent = portal.stripe.retrieve_session(second)["payment_intent"]["id"]
    ask_stripe(sandbox, "refunds", payment_intent=intent)
    settle(second)
    assert reload(portal, order).money == "paid"
    assert sorted(p.state for p in payments(portal, order)) == ["paid", "refunded"]


def test_money_for_a_closed_order_calls_staff(portal: Portal, client: FlaskClient, sandbox: Sandbox) -> None:
    order = order_of(portal, client, state="failed")
    _, session_id = session_for(portal, order)
    sandbox.control(f"sessions/{session_id}/pay_card")
    settle(session_id)
    fresh = reload(portal, order)
    assert (fresh.money, fresh.attention) == ("paid", "paid_but_no_result")


@pytest.mark.parametrize("session", [{"id": "cs_1"}, {"id": "cs_1", "payment_intent": None, "metadata": None}])
def test_missing_fields_do_no_harm(session: dict[str, Any]) -> None:
    """AC-W14."""
    assert read_session(session).event is None


@pytest.mark.parametrize(
    ("status", "payment_status", "intent", "event"),
    [
        ("open", "unpaid", None, None),
        ("open", "unpaid", "requires_payment_method", None),
        ("expired", "unpaid", None, "expired"),
        ("expired", "unpaid", "requires_action", "expired"),
        ("complete", "unpaid", "requires_action", "voucher_issued"),
        ("complete", "unpaid", "requires_payment_method", "failed"),
        ("complete", "unpaid", "processing", None),
        ("complete", "paid", "succeeded", "paid"),
        ("complete", "no_payment_required", None, None),
        ("new_word", "unpaid", None, None),
    ],
)
def test_what_stripe_shows(status: str, payment_status: str, intent: str | None, event: str | None) -> None:
    session = {"id": "cs_1", "status": status, "payment_status": payment_status}
    assert read_session({**session, "payment_intent": {"status": intent} if intent else None}).event == event
