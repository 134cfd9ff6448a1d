"""Settling: what does not fit is set aside (AC-W09)."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from app.checkout.facts import read_session
from app.checkout.settle import NotOurSessionError, mismatch, settle
from app.kit.ids import new_id
from app.models import Payment
from app.portal import Portal
from tests.checkout.shop import audit, go_to_stripe, mails, order_of, payments, session_for
from tests.helpers import Sandbox, make_order, reload


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
def test_ac_w09_what_does_not_fit_is_set_aside(
    changes: dict[str, Any], name: str, portal: Portal, client: FlaskClient, sandbox: Sandbox
) -> None:
    """Another amount, order or portal than we asked for: nothing opens, staff are told."""
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
def test_ac_w09_each_mismatch_has_a_name(
    changes: dict[str, Any], name: str | None, portal: Portal, client: FlaskClient
) -> None:
    """Currency, mode, missing metadata, a total changed by a coupon: each is named and set aside."""
    order = order_of(portal, client)
    payment, session_id = session_for(portal, order)
    session = {**portal.stripe.retrieve_session(session_id), **changes}
    assert mismatch(read_session(session), payment, order) == name


def test_ac_w09_a_session_of_other_business_is_not_ours(portal: Portal, client: FlaskClient) -> None:
    """Other business on the same Stripe account changes no order."""
    order = order_of(portal, client)
    _, session_id = session_for(portal, make_order(portal), portal_id="another-shop")
    with portal.database.transaction() as session:
        session.delete(session.get_one(Payment, _.id))
    with pytest.raises(NotOurSessionError):
        settle(session_id)
    assert audit(portal, order) == []


def test_ac_w09_another_orders_session_does_not_pay_this_one(
    portal: Portal, client: FlaskClient, sandbox: Sandbox
) -> None:
    """A paid session of another order opens nothing, and staff are told."""
    rich, poor = order_of(portal, client), order_of(portal, client)
    session_id = go_to_stripe(client, poor)
    (payment,) = payments(portal, poor)
    with portal.database.transaction() as session:
        session.get_one(Payment, payment.id).order_id = rich.id
    sandbox.control(f"sessions/{session_id}/pay_card")
    settle(session_id)
    assert reload(portal, rich).money == "unpaid"
    assert reload(portal, rich).attention == "order_mismatch"


def test_money_for_a_closed_order_calls_staff(portal: Portal, client: FlaskClient, sandbox: Sandbox) -> None:
    order = order_of(portal, client, state="failed")
    _, session_id = session_for(portal, order)
    sandbox.control(f"sessions/{session_id}/pay_card")
    settle(session_id)
    fresh = reload(portal, order)
    assert (fresh.money, fresh.attention) == ("paid", "paid_but_no_result")


@pytest.mark.parametrize("session", [{"id": "cs_1"}, {"id": "cs_1", "payment_intent": None, "metadata": None}])
def test_ac_w14_missing_fields_do_no_harm(session: dict[str, Any]) -> None:
    """A session without what is optional is read without a crash."""
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
