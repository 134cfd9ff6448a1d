"""The choice, the last screen, and the way to Stripe's page."""

import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from app import create_app
from app.checkout.service import start
from app.checkout.settle import settle
from app.errors import StripeDownError
from app.gateways.session_request import SESSION_LIFE
from app.models import Payment
from app.portal import EXTENSION, Portal
from app.settings import Settings
from tests.checkout.shop import go_to_stripe, order_of, payments, press_pay
from tests.helpers import Sandbox, free_port, get_json, make_order, reload


def session_at_stripe(sandbox: Sandbox, session_id: str) -> dict[str, Any]:
    listed = get_json(f"{sandbox.stripe}/_control/api/sessions")
    return next(dict(s) for s in listed if s["id"] == session_id)


def test_the_choice_warns_of_the_konbini_fee(portal: Portal, client: FlaskClient) -> None:
    order = order_of(portal, client)
    page = client.get(f"/orders/{order.id}/pay?lang=en").text
    for words in (
        "¥1,620 in total: ¥1,500 and a handling fee of ¥120",
        "FamilyMart, Lawson, Ministop or Seicomart",
        "23:59 JST",
        "only when the money has arrived",
        "can't be cancelled",
        "for a bank account",
    ):
        assert words in page


def test_konbini_is_refused_for_a_small_price(portal: Portal, client: FlaskClient) -> None:
    order = order_of(portal, client, product="quick-look", price=200)
    page = client.get(f"/orders/{order.id}/pay?lang=en").text
    assert "at least ¥120, too much for this price. It can be used from ¥400." in page
    assert client.get(f"/orders/{order.id}/pay?method=konbini").status_code == 422
    token = client.get(f"/orders/{order.id}/pay?method=card").text.partition('csrf_token" value="')[2].partition('"')[0]
    answer = client.post(f"/orders/{order.id}/pay", data={"csrf_token": token, "method": "konbini"})
    assert answer.status_code == 422
    assert payments(portal, order) == []


@pytest.mark.parametrize("method", ["card", "konbini"])
def test_ac_t01_six_points_of_the_law(method: str, portal: Portal, client: FlaskClient) -> None:
    """The last screen names quantity, price, time and method of payment, delivery, period and cancellation."""
    order = order_of(portal, client, filename="売上 2026.csv")
    page = client.get(f"/orders/{order.id}/pay?method={method}&lang=en").text
    terms = portal.catalog.terms
    for name in (
        "What you order",
        "Total price",
        "How and when you pay",
        "Delivery",
        "Order by",
        "Cancellation and refunds",
    ):
        assert f"<dt>{name}</dt>" in page
    total = {
        "card": "¥1,500, tax included",
        "konbini": "¥1,620, tax included (¥1,500 and a handling fee of ¥120)",
    }
    for words in (
        "CSV profile: 1 analysis of the file 売上 2026.csv",
        total[method],
        terms.delivery.en,
        terms.refund.en,
    ):
        assert words in page


def test_ac_t01_the_session_at_stripe_says_the_same(portal: Portal, client: FlaskClient, sandbox: Sandbox) -> None:
    """The Checkout Session has the price, texts, language and ids of the last screen."""
    order = order_of(portal, client)
    made = session_at_stripe(sandbox, go_to_stripe(client, order, "konbini"))
    (payment,) = payments(portal, order)
    ids = {"order_id": order.id, "portal": "kaiseki-demo", "attempt": payment.id}
    assert made["metadata"].items() >= ids.items()
    assert (made["client_reference_id"], made["locale"], made["amount_total"]) == (order.id, "ja", 1620)
    assert made["customer_email"] == order.email
    # Of the attempt, not of the moment of asking: a repeat must be the same request (https://docs.stripe.com/api/idempotent_requests).
    assert made["expires_at"] == int((payment.created_at + SESSION_LIFE).timestamp())
    told = made["custom_text"]["submit"]["message"]
    for promise in (portal.catalog.terms.delivery.ja, portal.catalog.terms.refund.ja):
        assert promise in told
    assert made["payment_method_types"] == ["konbini"]
    assert (payment.terms_version, made["metadata"]["terms"]) == (portal.catalog.terms.version,) * 2


def test_an_open_session_is_used_again(portal: Portal, client: FlaskClient) -> None:
    order = order_of(portal, client)
    assert go_to_stripe(client, order) == go_to_stripe(client, order)
    assert len(payments(portal, order)) == 1


def test_a_session_about_to_close_is_replaced(portal: Portal, client: FlaskClient, sandbox: Sandbox) -> None:
    order = order_of(portal, client)
    first = go_to_stripe(client, order)
    with portal.database.transaction() as session:
        soon = portal.clock() + timedelta(minutes=9)
        session.execute(update(Payment).where(Payment.order_id == order.id).values(session_expires_at=soon))
    assert go_to_stripe(client, order) != first
    assert session_at_stripe(sandbox, first)["status"] == "expired"


def test_another_method_closes_the_first_page(portal: Portal, client: FlaskClient, sandbox: Sandbox) -> None:
    order = order_of(portal, client)
    card = go_to_stripe(client, order, "card")
    konbini = go_to_stripe(client, order, "konbini")
    assert session_at_stripe(sandbox, card)["status"] == "expired"
    assert session_at_stripe(sandbox, konbini)["status"] == "open"
    assert [p.state for p in payments(portal, order)] == ["expired", "open"]


def test_another_method_finds_the_first_paid(portal: Portal, client: FlaskClient, sandbox: Sandbox) -> None:
    """The card was charged a moment ago and nobody has told us: no second payment is begun."""
    order = order_of(portal, client)
    sandbox.control("settings", {"webhooks_paused": True})
    try:
        card = go_to_stripe(client, order, "card")
        sandbox.control(f"sessions/{card}/pay_card")
        answer = press_pay(client, order, "konbini")
    finally:
        sandbox.control("settings", {"webhooks_paused": False})
    assert (answer.status_code, answer.location) == (303, f"/orders/{order.id}")
    assert reload(portal, order).money == "paid"
    assert [p.method for p in payments(portal, order)] == ["card"]


def test_two_browsers_at_once(portal: Portal, app: Flask, client: FlaskClient) -> None:
    """At most one payable page an order: both get the same one."""
    order = order_of(portal, client)

    def go(_: int) -> str:
        with app.test_request_context(base_url=portal.settings.public_url):
            return start(order.id, "card")

    with ThreadPoolExecutor(6) as pool:
        urls = set(pool.map(go, range(6)))
    assert len(urls) == 1
    assert [p.state for p in payments(portal, order)] == ["open"]


def test_two_browsers_with_two_methods(portal: Portal, app: Flask, client: FlaskClient, sandbox: Sandbox) -> None:
    order = order_of(portal, client)

    def go(n: int) -> str:
        with app.test_request_context(base_url=portal.settings.public_url):
            return start(order.id, "konbini" if n % 2 else "card")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(go, range(2)))
    open_at_stripe = [
        p for p in payments(portal, order) if session_at_stripe(sandbox, str(p.session_id))["status"] == "open"
    ]
    assert len(open_at_stripe) == 1
    assert open_at_stripe[0].state == "open"


def test_stripe_away_keeps_the_attempt(portal: Portal, client: FlaskClient, settings: Settings) -> None:
    """P3, P4: the next try repeats the same attempt, under the same idempotency key."""
    order = order_of(portal, client)
    away = create_app(settings.model_copy(update={"stripe_api_base": f"http://127.0.0.1:{free_port()}"}))
    with away.test_request_context(base_url=settings.public_url), pytest.raises(StripeDownError):
        start(order.id, "card")
    away.extensions[EXTENSION].database.close()
    (waiting,) = payments(portal, order)
    assert waiting.state == "creating"
    go_to_stripe(client, order)
    assert [(p.id, p.state) for p in payments(portal, order)] == [(waiting.id, "open")]


def test_the_answer_that_got_lost(portal: Portal, client: FlaskClient) -> None:
    """P3: Stripe made the session and we never heard; the next try gets that very session."""
    order = order_of(portal, client)
    first = go_to_stripe(client, order)
    with portal.database.transaction() as session:
        forgotten = {"state": "creating", "session_id": None, "session_url": None, "session_expires_at": None}
        session.execute(update(Payment).where(Payment.order_id == order.id).values(**forgotten))
    assert go_to_stripe(client, order) == first


def test_paid_before_we_knew_the_session(portal: Portal, client: FlaskClient, sandbox: Sandbox) -> None:
    """P7: the event finds the attempt by its id at Stripe."""
    order = order_of(portal, client)
    sandbox.control("settings", {"webhooks_paused": True})
    try:
        first = go_to_stripe(client, order)
        with portal.database.transaction() as session:
            session.execute(
                update(Payment).where(Payment.order_id == order.id).values(state="creating", session_id=None)
            )
        sandbox.control(f"sessions/{first}/pay_card")
        settle(first)
    finally:
        sandbox.control("settings", {"webhooks_paused": False})
    (payment,) = payments(portal, order)
    assert (payment.state, payment.session_id) == ("paid", first)
    assert reload(portal, order).money == "paid"


def test_a_refused_request_gives_up_the_attempt(portal: Portal, client: FlaskClient) -> None:
    """P2: under its key Stripe would say the same again, so the next try is another attempt."""
    order = order_of(portal, client, email="not an address")
    answer = press_pay(client, order)
    assert answer.status_code == 502
    assert f"/orders/{order.id}/pay" in answer.text
    assert [p.state for p in payments(portal, order)] == ["abandoned"]
    press_pay(client, order)
    assert [p.state for p in payments(portal, order)] == ["abandoned", "abandoned"]


@pytest.mark.parametrize(
    "columns",
    [
        {"state": "analysed", "money": "paid"},
        {"state": "analysing"},
        {"state": "uploaded"},
        {"state": "delivered", "money": "refunded"},
        {"state": "rejected"},
        {"state": "analysed", "charge": "before_analysis", "money": "paid"},
    ],
)
def test_nothing_to_pay(columns: dict[str, str], portal: Portal, client: FlaskClient) -> None:
    order = order_of(portal, client, **columns)
    answer = client.get(f"/orders/{order.id}/pay")
    assert (answer.status_code, answer.location) == (303, f"/orders/{order.id}")
    assert client.get(f"/orders/{order.id}/pay?method=card").status_code == 303


def test_paying_before_the_analysis(portal: Portal, client: FlaskClient) -> None:
    order = order_of(portal, client, state="uploaded", charge="before_analysis")
    assert go_to_stripe(client, order).startswith("cs_test_")


def test_the_signed_link_pays_without_a_cookie(
    portal: Portal, app: Flask, client: FlaskClient, sandbox: Sandbox
) -> None:
    """Whoever has the mail's link pays, comes back and is told to log in; the result itself stays closed."""
    order = order_of(portal, client)
    payer = app.test_client()
    payer.environ_base.update(client.environ_base)
    token = portal.signer.sign("pay-link", order.id)
    assert payer.get(f"/orders/{order.id}/pay").status_code == 404
    page = payer.get(f"/orders/{order.id}/pay", query_string={"t": token})
    assert page.status_code == 200
    assert page.headers["Referrer-Policy"] == "no-referrer"
    session_id = go_to_stripe(payer, order, t=token)
    assert payer.get(f"/orders/{order.id}/pay").status_code == 200, "back from Stripe by its cancel link"
    sandbox.control(f"sessions/{session_id}/pay_card")
    back = payer.get(f"/orders/{order.id}/return", query_string={"session_id": session_id})
    assert back.status_code == 200
    assert f"order={order.id}" in back.text
    assert payer.get(f"/orders/{order.id}/files/result.zip").status_code == 404
    assert reload(portal, order).money == "paid"


def test_a_link_of_another_order(portal: Portal, app: Flask, client: FlaskClient) -> None:
    order, other = order_of(portal, client), make_order(portal, state="analysed")
    stranger = app.test_client()
    stranger.environ_base.update(client.environ_base)
    token = portal.signer.sign("pay-link", other.id)
    assert stranger.get(f"/orders/{order.id}/pay", query_string={"t": token}).status_code == 404
    assert stranger.get(f"/orders/{order.id}/pay", query_string={"t": "x" + token}).status_code == 410
    assert client.get(f"/orders/{other.id}/pay").status_code == 404
    assert client.get(f"/orders/{other.id}/return?session_id=cs_test_1").status_code == 404


def test_the_return_page_looks_only_at_this_orders_sessions(
    portal: Portal, client: FlaskClient, sandbox: Sandbox
) -> None:
    other = order_of(portal, client)
    foreign = go_to_stripe(client, other)
    order = order_of(portal, client)
    sandbox.control("settings", {"webhooks_paused": True})
    try:
        sandbox.control(f"sessions/{foreign}/pay_card")
        back = client.get(f"/orders/{order.id}/return", query_string={"session_id": foreign})
        assert (back.status_code, back.location) == (303, f"/orders/{order.id}")
        assert reload(portal, other).money == "unpaid"
    finally:
        sandbox.control("settings", {"webhooks_paused": False})


def test_no_csrf_no_payment(portal: Portal, client: FlaskClient) -> None:
    order = order_of(portal, client)
    assert client.post(f"/orders/{order.id}/pay", data={"method": "card"}).status_code == 400
    assert payments(portal, order) == []


def test_a_voucher_is_shown_again(portal: Portal, client: FlaskClient, sandbox: Sandbox) -> None:
    """An issued voucher comes first; another payment begins only when the customer was told."""
    order = order_of(portal, client)
    voucher = go_to_stripe(client, order, "konbini")
    sandbox.control(f"sessions/{voucher}/issue_voucher")
    client.get(f"/orders/{order.id}/return", query_string={"session_id": voucher})
    page = client.get(f"/orders/{order.id}/pay?lang=en").text
    assert "You already have a voucher for ¥1,620" in page
    assert f"{sandbox.stripe}/voucher/" in page
    assert 'value="konbini"' not in page
    assert "You already have a voucher" in client.get(f"/orders/{order.id}/pay?method=konbini&lang=en").text
    assert "do not pay the voucher as well" in client.get(f"/orders/{order.id}/pay?method=card&lang=en").text
    untold = press_pay(client, order, "card")
    assert (untold.status_code, untold.location) == (303, f"/orders/{order.id}/pay")
    assert len(payments(portal, order)) == 1
    with urllib.request.urlopen(press_pay(client, order, "card", voucher_known="1").location) as answer:
        assert answer.status == 200


def test_a_voucher_paid_a_moment_ago(portal: Portal, client: FlaskClient, sandbox: Sandbox) -> None:
    """Paid at the till, the webhook still on its way: no second payment is begun."""
    order = order_of(portal, client)
    voucher = go_to_stripe(client, order, "konbini")
    sandbox.control(f"sessions/{voucher}/issue_voucher")
    client.get(f"/orders/{order.id}/return", query_string={"session_id": voucher})
    sandbox.control("settings", {"webhooks_paused": True})
    try:
        sandbox.control(f"sessions/{voucher}/pay_at_till")
        answer = press_pay(client, order, "card", voucher_known="1")
    finally:
        sandbox.control("settings", {"webhooks_paused": False})
    assert (answer.status_code, answer.location) == (303, f"/orders/{order.id}")
    assert [p.state for p in payments(portal, order)] == ["paid"]
