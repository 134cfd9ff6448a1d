"""Events that never arrived are fetched from Stripe, page by page, once; and silence is noticed (D2, P11)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import current_app
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.models import Mark, StripeEvent
from app.portal import EXTENSION, Portal
from app.webhooks.missed import CURSOR, FOUND, SILENCE, catch_up, silent_payments
from app.webhooks.service import SUBJECTS, handle
from tests.checkout.shop import go_to_stripe, order_of
from tests.conftest import WEBHOOK_SECRET
from tests.helpers import Sandbox, free_port, make_order, make_payment, reload
from tests.webhooks.deliveries import browser_here, keep
from tests.webhooks.test_handling import events_of

MAX_TYPES = 20  # Stripe takes no more in one call


@pytest.fixture
def cut_off(own_house: tuple[Portal, dict[str, str]], sandbox: Sandbox) -> Iterator[Portal]:
    """Give a portal of its own whose webhook endpoint never answers."""
    url = f"http://127.0.0.1:{free_port()}/webhooks/stripe"
    endpoint = sandbox.control("endpoints", {"url": url, "secret": WEBHOOK_SECRET})
    yield own_house[0]
    sandbox.control(f"endpoints/{endpoint['id']}/delete")


@pytest.fixture
def buyer(cut_off: Portal) -> FlaskClient:
    """Give a browser at that portal."""
    return browser_here()


def count(portal: Portal) -> int:
    with portal.database.transaction() as session:
        return session.scalar(select(func.count()).select_from(StripeEvent)) or 0


def cursor(portal: Portal) -> str | None:
    with portal.database.transaction() as session:
        mark = session.get(Mark, CURSOR)
        return mark.value if mark else None


def later(portal: Portal, **by: float) -> None:
    """Let the portal believe that it is later."""
    current_app.extensions[EXTENSION] = replace(portal, clock=lambda: portal.clock() + timedelta(**by))


def test_what_could_not_be_delivered_is_fetched_once(
    cut_off: Portal, buyer: FlaskClient, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    portal = cut_off
    monkeypatch.setattr("app.gateways.stripe.A_PAGE", 1)
    order = order_of(portal, buyer)
    session_id = go_to_stripe(buyer, order)
    sandbox.control(f"sessions/{session_id}/pay_card")
    mine = {event["id"] for event in events_of(sandbox, session_id) if event["type"] in SUBJECTS}
    assert len(mine) > 1

    assert catch_up() >= len(mine)
    first = count(portal)
    assert catch_up() == 0
    assert cursor(portal) is None  # all of them are too young: older ones might still be listed later
    with portal.database.transaction() as session:
        assert mine <= set(session.scalars(select(StripeEvent.id).where(StripeEvent.state == "received")))
    for event_id in mine:
        handle(event_id)
    assert reload(portal, order).money == "paid"

    later(portal, hours=1)
    assert catch_up() == 0
    newest = cursor(portal)
    assert newest is not None
    current_app.extensions[EXTENSION] = portal
    again = order_of(portal, buyer)
    another = go_to_stripe(buyer, again)
    sandbox.control(f"sessions/{another}/pay_card")
    later(portal, hours=1)
    assert catch_up() == count(portal) - first > 1
    assert cursor(portal) != newest
    with portal.database.transaction() as session:
        fetched = session.scalars(select(StripeEvent.id).where(StripeEvent.fetched_at.is_not(None))).all()
    assert len(fetched) == count(portal) - first  # the first ones were young: still on their way to us


def test_a_cursor_that_stripe_forgot_begins_anew(cut_off: Portal, buyer: FlaskClient, sandbox: Sandbox) -> None:
    portal = cut_off
    sandbox.control(f"sessions/{go_to_stripe(buyer, order_of(portal, buyer))}/pay_card")
    with portal.database.transaction() as session:
        session.add(Mark(name=CURSOR, value="evt_of_another_account", at=portal.clock()))
    assert catch_up() > 0


def test_stripe_takes_that_many_types() -> None:
    assert len(SUBJECTS) <= MAX_TYPES


def test_p11_silence_is_noticed(own_house: tuple[Portal, dict[str, str]]) -> None:
    portal, _ = own_house
    now = portal.clock()

    def silent() -> int:
        with portal.database.transaction() as session:
            return silent_payments(session, now)

    make_payment(portal, make_order(portal), created_at=now - SILENCE + timedelta(minutes=1))
    assert silent() == 0
    make_payment(portal, make_order(portal), created_at=now - SILENCE - timedelta(minutes=1))
    assert silent() == 1
    keep(portal, "checkout.session.expired", id="cs_test_any")
    assert silent() == 0


def test_operators_see_it(own_house: tuple[Portal, dict[str, str]]) -> None:
    portal, _ = own_house
    now = portal.clock()
    make_payment(portal, make_order(portal), created_at=now - SILENCE - timedelta(minutes=1))
    with portal.database.transaction() as session:
        session.add(Mark(name=FOUND, value="3", at=now))
    text = browser_here().get("/metrics").text
    for line in ("waiting 0.0", "dead 0.0", "missed 3.0", "silent_payments 1.0"):
        assert f"portal_events_{line}" in text
    keep(portal, "checkout.session.expired", id="cs_test_any")
    text = browser_here().get("/metrics").text
    assert "portal_events_waiting 1.0" in text
    assert "portal_events_silent_payments 0.0" in text
