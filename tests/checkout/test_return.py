"""The way back from Stripe: the page waits for the truth, and never for ever."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.checkout.views import LOOKS
from app.portal import Portal
from tests.checkout.shop import go_to_stripe, order_of
from tests.conftest import Browser
from tests.helpers import Sandbox, reload


@pytest.fixture
def silent(sandbox: Sandbox) -> Iterator[None]:
    """Let Stripe's events wait, and Stripe not answer when a Checkout Session is read."""
    sandbox.control("settings", {"webhooks_paused": True})
    sandbox.control("faults", {"route": "GET /v1/checkout/sessions/*", "kind": "reset_before"})
    yield
    sandbox.control("faults/clear")
    sandbox.control("settings", {"webhooks_paused": False})


def next_look(page: str) -> str:
    found = re.search(r'hx-get="([^"]+)"', page)
    assert found, page
    return found[1].replace("&amp;", "&")


@pytest.mark.usefixtures("silent")
def test_stripe_is_away_at_the_return(portal: Portal, client: FlaskClient, sandbox: Sandbox) -> None:
    """P5: nobody is told that the payment failed; the page asks again, and goes on when Stripe answers."""
    order = order_of(portal, client)
    session_id = go_to_stripe(client, order)
    sandbox.control(f"sessions/{session_id}/pay_card")
    page = client.get(f"/orders/{order.id}/return", query_string={"session_id": session_id, "lang": "en"})
    assert page.status_code == 200
    assert "We are confirming your payment" in page.text
    assert "you need not pay again" in page.text
    again = next_look(page.text)
    waiting = client.get(again, headers={"HX-Request": "true"})
    assert (waiting.status_code, next_look(waiting.text)) == (200, again.replace("look=1", "look=2"))
    assert reload(portal, order).money == "unpaid"
    sandbox.control("faults/clear")
    known = client.get(again, headers={"HX-Request": "true"})
    assert known.text == ""
    leave = client.get(known.headers["HX-Redirect"])
    assert (leave.status_code, leave.location) == (303, f"/orders/{order.id}")
    assert reload(portal, order).money == "paid"


@pytest.mark.usefixtures("silent")
def test_it_does_not_ask_for_ever(portal: Portal, client: FlaskClient) -> None:
    """After a minute the order's page takes over, which waits for the webhook or the reconciler."""
    order = order_of(portal, client)
    session_id = go_to_stripe(client, order)
    last = {"session_id": session_id, "look": LOOKS}
    answer = client.get(f"/orders/{order.id}/return", query_string=last)
    assert (answer.status_code, answer.location) == (303, f"/orders/{order.id}")
    assert "I have not paid yet" in client.get(f"/orders/{order.id}?lang=en").text


@pytest.mark.usefixtures("silent")
def test_whoever_only_has_the_pay_link_waits_too(
    portal: Portal, app: Flask, client: FlaskClient, sandbox: Sandbox
) -> None:
    order = order_of(portal, client)
    payer = Browser(app, app.response_class)
    payer.environ_base.update(client.environ_base)
    session_id = go_to_stripe(payer, order, t=portal.signer.sign("pay-link", order.id))
    sandbox.control(f"sessions/{session_id}/pay_card")
    page = payer.get(f"/orders/{order.id}/return", query_string={"session_id": session_id, "lang": "en"})
    assert "We are confirming your payment" in page.text
    sandbox.control("faults/clear")
    known = payer.get(next_look(page.text), headers={"HX-Request": "true"})
    assert "Payment received" in payer.get(known.headers["HX-Redirect"] + "&lang=en").text


def test_not_paid_and_gone_to_the_return_page_by_hand(portal: Portal, client: FlaskClient) -> None:
    order = order_of(portal, client)
    session_id = go_to_stripe(client, order)
    page = client.get(f"/orders/{order.id}/return", query_string={"session_id": session_id, "lang": "en"})
    assert "I have not paid yet" in page.text
    assert f"/orders/{order.id}/pay" in page.text
