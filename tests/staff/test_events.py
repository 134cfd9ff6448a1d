"""Stripe's events in the back office: pages, states, the order behind them, nothing of their contents."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from app.kit.ids import new_id
from app.models import StripeEvent
from app.portal import Portal
from app.staff.events import PAGE
from tests.helpers import make_order, make_payment
from tests.history.people import log_in

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


def test_only_for_staff(client: FlaskClient) -> None:
    assert client.get("/staff/events").status_code == 404


@pytest.mark.parametrize(
    "query", ["state=x", "after=x", "after=20010101T000000.000000_x", "after=20019901T000000.000000_evt_1"]
)
def test_nonsense_is_refused(query: str, staff: FlaskClient) -> None:
    assert staff.get(f"/staff/events?{query}").status_code == 422


def test_the_list_of_orders_leads_there(staff: FlaskClient) -> None:
    assert 'href="/staff/events"' in staff.get("/staff/orders").text
