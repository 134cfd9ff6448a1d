"""Stripe fails while a Checkout Session is made: the customer can try again, and one session can be paid (P1 to P4)."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.checkout.service import start
from app.errors import StripeDownError
from app.gateways import stripe as gateway
from app.models import Order
from app.portal import Portal
from tests.checkout.shop import go_to_stripe, order_of, payments, press_pay
from tests.helpers import Sandbox, get_json

ROUTE = "POST /v1/checkout/sessions"


@pytest.fixture(autouse=True)
def healed(sandbox: Sandbox) -> Iterator[None]:
    """Let no fault outlive its test."""
    yield
    sandbox.control("faults/clear")


def open_sessions(sandbox: Sandbox, order: Order) -> list[str]:
    """Ask Stripe which sessions of an order can be paid."""
    listed: list[dict[str, Any]] = get_json(f"{sandbox.stripe}/_control/api/sessions")
    return [s["id"] for s in listed if s["client_reference_id"] == order.id and s["status"] == "open"]


@pytest.mark.parametrize("kind", ["500_before", "500_after"])
def test_p2_a_stored_failure(kind: str, portal: Portal, client: FlaskClient, sandbox: Sandbox) -> None:
    """The key replays the failure, so another attempt is made; what the first may have left open is closed first."""
    order = order_of(portal, client)
    sandbox.control("faults", {"route": ROUTE, "kind": kind, "times": 1})
    failed = press_pay(client, order)
    assert failed.status_code == 503
    assert f"/orders/{order.id}/pay" in failed.text, "one click to try again"
    session_id = go_to_stripe(client, order)
    assert open_sessions(sandbox, order) == [session_id]
    assert [p.state for p in payments(portal, order)] == ["abandoned", "open"]
    sandbox.control(f"sessions/{session_id}/pay_card")


def test_p2_no_other_session_while_nobody_knows(portal: Portal, client: FlaskClient, sandbox: Sandbox) -> None:
    """Stripe fails, and does not say what it has made: then nothing new is begun."""
    order = order_of(portal, client)
    sandbox.control("faults", {"route": ROUTE, "kind": "500_after", "times": 1})
    assert press_pay(client, order).status_code == 503
    sandbox.control("faults", {"route": "GET /v1/checkout/sessions", "kind": "reset_before"})
    assert press_pay(client, order).status_code == 503
    assert len(open_sessions(sandbox, order)) == 1, "the lost one, whose address nobody has"
    sandbox.control("faults/clear")
    assert open_sessions(sandbox, order) != [go_to_stripe(client, order)]
    assert len(open_sessions(sandbox, order)) == 1


@pytest.mark.parametrize("kind", ["reset_before", "reset_after", "timeout", "429", "latency"])
def test_p1_p3_p4_an_answer_that_got_lost(
    kind: str, portal: Portal, app: Flask, client: FlaskClient, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library repeats the call under the same key, so the customer does not notice."""
    monkeypatch.setattr(gateway, "TIMEOUT_S", 1)
    quick = gateway.StripeGateway(portal.settings)
    monkeypatch.setattr(portal.stripe, "create_session", quick.create_session)
    order = order_of(portal, client)
    sandbox.control("faults", {"route": ROUTE, "kind": kind, "times": 1, "seconds": 2})
    assert open_sessions(sandbox, order) == []
    with app.test_request_context(base_url=portal.settings.public_url):
        url = start(order.id, "card")
    assert [url.rsplit("/", 1)[-1]] == open_sessions(sandbox, order)
    assert [p.state for p in payments(portal, order)] == ["open"]


def test_p5_away_for_long(portal: Portal, app: Flask, client: FlaskClient, sandbox: Sandbox) -> None:
    """The attempt waits; the next try repeats it and gets the session that Stripe may have made meanwhile."""
    order = order_of(portal, client)
    sandbox.control("faults", {"route": ROUTE, "kind": "reset_after"})
    with app.test_request_context(base_url=portal.settings.public_url), pytest.raises(StripeDownError):
        start(order.id, "card")
    (made,) = open_sessions(sandbox, order)
    sandbox.control("faults/clear")
    assert go_to_stripe(client, order) == made
    assert [p.state for p in payments(portal, order)] == ["open"]
