"""Stripe's events in the back office: pages, states, the order behind them; one with its contents; begun anew."""

import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr

from app.kit.ids import new_id
from app.models import Mark, StripeEvent
from app.portal import Portal
from app.staff.events import PAGE
from app.staff.stripe_links import event_link
from app.webhooks.missed import FOUND
from tests.helpers import make_order, make_payment
from tests.history.people import log_in
from tests.login.steps import post
from tests.staff.member import log_of, member

LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)


@pytest.fixture
def staff(portal: Portal, client: FlaskClient) -> FlaskClient:
    """Give a browser in which a member of staff is logged in."""
    return log_in(portal, client, f"staff-{new_id()}@kaiseki.example", staff=True)


def add(portal: Portal, count: int = 1, **columns: object) -> list[str]:
    """Store events, two of them in a moment; return their ids, newest first."""
    ids = [f"evt_{new_id().replace('-', '')}" for _ in range(count)]
    fixed = {"type": "refund.failed", "state": "dead", "payload": '{"email": "taro@example.jp"}'}
    with portal.database.transaction() as session:
        rows = [
            StripeEvent(**{"id": one, "received_at": LONG_AGO + timedelta(seconds=n // 2), **fixed, **columns})
            for n, one in enumerate(ids)
        ]
        session.add_all(rows)
    return [row.id for row in sorted(rows, key=lambda row: (row.received_at, row.id), reverse=True)]


def shown(client: FlaskClient, url: str) -> tuple[list[str], str]:
    """Return the event ids of a page, and the address of the next one."""
    answer = client.get(url)
    assert answer.status_code == 200, answer.text
    older = re.search(r'rel="next" href="([^"]+)"', answer.text)
    return re.findall(r'code">(evt_[0-9a-f]{32})', answer.text), older[1].replace("&amp;", "&") if older else ""


def test_pages_without_gap_or_repeat(portal: Portal, staff: FlaskClient) -> None:
    expected = add(portal, 2 * PAGE + 3)
    found, older = shown(staff, "/staff/events?state=dead")
    pages = 1
    while older:
        more, older = shown(staff, older)
        found += more
        pages += 1
    assert len(found) == len(set(found))
    assert [one for one in found if one in expected] == expected
    assert pages >= 3


def test_an_event_leads_to_its_order_and_tells_nothing_personal(portal: Portal, staff: FlaskClient) -> None:
    order = make_order(portal)
    payment = make_payment(portal, order, payment_intent_id=f"pi_{new_id()}")
    now = portal.clock() + timedelta(days=365)  # the newest of all
    (by_session,) = add(portal, object_id=payment.session_id, received_at=now, attempts=12, note="StripeDownError: x")
    (by_intent,) = add(portal, object_id=payment.payment_intent_id, received_at=now, state="received", attempts=2)
    text = staff.get("/staff/events?lang=en").text
    assert text.count(f"/staff/orders/{order.id}") == 2
    for told in (by_session, by_intent, "StripeDownError: x", "Given up", "Next try"):
        assert told in text
    assert "taro@example.jp" not in text
    with portal.database.transaction() as session:
        for event_id in (by_session, by_intent):
            session.delete(session.get_one(StripeEvent, event_id))


def test_one_event_with_its_contents_as_far_as_they_are_nobodys(portal: Portal, staff: FlaskClient) -> None:
    order = make_order(portal)
    payment = make_payment(portal, order)
    about = {"id": payment.session_id, "object": "checkout.session", "customer_email": "taro@example.jp"}
    payload = json.dumps({"type": "checkout.session.completed", "data": {"object": {**about, "amount_total": 1500}}})
    (event_id,) = add(portal, object_id=payment.session_id, payload=payload, note="StripeDownError: x", attempts=12)
    text = unescape(staff.get(f"/staff/events/{event_id}?lang=en").text)
    for told in (event_id, "StripeDownError: x", f"/staff/orders/{order.id}", '"amount_total": 1500', "Given up"):
        assert told in text
    assert f'"id": "{payment.session_id}"' in text
    assert "taro@example.jp" not in text
    assert f"{portal.settings.stripe_api_base}/_control/events" in text
    with portal.database.transaction() as session:
        session.get_one(StripeEvent, event_id).payload = None
    assert "The contents are not kept any more." in staff.get(f"/staff/events/{event_id}").text
    assert staff.get("/staff/events/evt_unknown").status_code == 404


@pytest.mark.parametrize("live", [False, True])
def test_the_link_leads_to_the_event_at_stripe(live: bool, portal: Portal) -> None:  # noqa: FBT001
    at_stripe = portal.settings.model_copy(update={"stripe_api_base": None})
    key = "rk_live_dummy" if live else "rk_test_dummy"
    link = event_link(at_stripe.model_copy(update={"stripe_api_key": SecretStr(key)}), "evt_1")
    assert link == f"https://dashboard.stripe.com{'' if live else '/test'}/events/evt_1"


def test_a_dead_event_is_handled_anew(portal: Portal, staff: FlaskClient) -> None:
    """The button does what `portal events replay` does, and the log says who pressed it."""
    (event_id,) = add(portal, attempts=12, note="StripeDownError: x")
    answer = post(staff, f"/staff/events/{event_id}/replay")
    assert (answer.status_code, answer.location) == (303, f"/staff/events/{event_id}")
    with portal.database.transaction() as session:
        event = session.get_one(StripeEvent, event_id)
        assert (event.state, event.attempts) in {("received", 0), ("ignored", 1)}  # a worker may be faster than we
        event.state, event.handled_at = "handled", portal.clock()
    assert "/replay" not in staff.get(f"/staff/events/{event_id}").text
    post(staff, f"/staff/events/{event_id}/replay")
    with portal.database.transaction() as session:
        assert session.get_one(StripeEvent, event_id).state == "handled"
    assert [entry.action for entry in log_of(portal, f"event:{event_id}")] == ["event.replayed"]
    assert post(staff, "/staff/events/evt_unknown/replay").status_code == 404


def test_who_may_not_replay_sees_no_button(portal: Portal, app: Flask) -> None:
    (event_id,) = add(portal)
    viewer = member(portal, app, "viewer").client
    assert "/replay" not in viewer.get(f"/staff/events/{event_id}").text
    assert post(viewer, f"/staff/events/{event_id}/replay").status_code == 403


def test_what_stripe_could_not_deliver(portal: Portal, staff: FlaskClient) -> None:
    now = portal.clock() + timedelta(days=366)
    (missed,) = add(portal, received_at=now, fetched_at=now)
    (came,) = add(portal, received_at=now)
    with portal.database.transaction() as session:
        session.merge(Mark(name=FOUND, value="3", at=portal.clock()))
    text = staff.get("/staff/events?state=fetched&lang=en").text
    assert missed in text
    assert came not in text
    assert "Late events then: 3" in text
    assert "We asked for it" in staff.get(f"/staff/events/{missed}").text
    with portal.database.transaction() as session:
        for event_id in (missed, came):
            session.delete(session.get_one(StripeEvent, event_id))


def test_only_for_staff(client: FlaskClient) -> None:
    assert client.get("/staff/events").status_code == 404


@pytest.mark.parametrize(
    "query", ["state=x", "after=x", "after=20010101T000000.000000_x", "after=20019901T000000.000000_evt_1"]
)
def test_nonsense_is_refused(query: str, staff: FlaskClient) -> None:
    assert staff.get(f"/staff/events?{query}").status_code == 422


def test_the_list_of_orders_leads_there(staff: FlaskClient) -> None:
    assert 'href="/staff/events"' in staff.get("/staff/orders").text
