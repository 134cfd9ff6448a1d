"""The page of the history against a real Stripe stand-in and both databases."""

import itertools
import re
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, event

from app import create_app
from app.gateways.session_request import SessionRequest
from app.kit.ids import new_id
from app.models import StripeHistory
from app.portal import EXTENSION, Portal
from app.settings import Settings
from tests.helpers import Sandbox, free_port, make_order, make_payment
from tests.history.people import log_in

SILENT = "Stripe, which handles payments for us, does not answer"
RESULT = {
    "files": [
        {
            "slug": "result.zip",
            "name": "結果_売上.zip",
            "key": "results/x",
            "size": 9,
            "type": "application/zip",
        }
    ]
}


def pay_at_stripe(portal: Portal, sandbox: Sandbox, email: str, order_id: str, portal_id: str = "") -> str:
    """Make a Checkout Session and pay it by card; returns its id."""
    made = portal.stripe.create_session(
        SessionRequest(
            attempt_id=new_id(),
            begun_at=portal.clock(),
            order_id=order_id,
            portal_id=portal_id or portal.catalog.portal.id,
            email=email,
            method="card",
            name="CSV profile",
            price=1500,
            handling=0,
            handling_name="",
            locale="en",
            success_url="http://127.0.0.1/return",
            cancel_url="http://127.0.0.1/cancel",
            submit_note="note",
            expires_after_days=None,
            terms_version="2026-01",
        )
    )
    sandbox.control(f"sessions/{made['id']}/pay_card")
    return str(made["id"])


def page(client: FlaskClient, address: str = "/history?lang=en") -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    return answer.text


def forget(portal: Portal, email: str) -> None:
    with portal.database.transaction() as session:
        session.execute(delete(StripeHistory).where(StripeHistory.email == email))


def numbers(text: str) -> list[str]:
    """Return the short numbers of orders that only Stripe knows, as the page shows them."""
    return re.findall(r"Order ([0-9a-f]{8})", text)


@pytest.fixture
def deaf(settings: Settings, tmp_path: Path) -> Iterator[FlaskClient]:
    """Give a browser at a portal whose Stripe does not answer, 21 seconds from now."""
    ahead = tmp_path / "clock"
    ahead.write_text("21\n")
    silent = {"stripe_api_base": f"http://127.0.0.1:{free_port()}", "clock_file": ahead}
    app = create_app(settings.model_copy(update=silent))
    yield app.test_client()
    app.extensions[EXTENSION].database.close()


def test_whoever_is_not_logged_in_is_asked_to(client: FlaskClient) -> None:
    answer = client.get("/history")
    assert answer.status_code in {302, 303}
    assert answer.headers["Location"].startswith("/login")


def test_an_empty_history_leads_to_the_shop(portal: Portal, client: FlaskClient, email: str) -> None:
    text = page(log_in(portal, client, email))
    assert "There is no order with this address yet." in text
    assert 'href="/"' in text
    assert SILENT not in text


def test_a_paid_order_is_mapped_to_its_result(
    portal: Portal, client: FlaskClient, sandbox: Sandbox, email: str
) -> None:
    order = make_order(portal, email=email, state="delivered", money="paid", delivery=RESULT)
    session_id = pay_at_stripe(portal, sandbox, email, order.id)
    make_payment(portal, order, state="paid", session_id=session_id, receipt_url="https://receipt.example/1")
    text = page(log_in(portal, client, email))
    assert f"/orders/{order.id}/files/result.zip" in text
    assert "結果_売上.zip" in text
    assert "https://receipt.example/1" in text
    assert "¥1,500" in text
    assert "1,500円" in page(client, "/history?lang=ja")


def test_a_voucher_still_to_pay_links_to_its_codes(portal: Portal, client: FlaskClient, email: str) -> None:
    order = make_order(portal, email=email, state="analysed")
    until = portal.clock() + timedelta(days=3)
    make_payment(portal, order, method="konbini", state="awaiting", amount=1624, voucher_expires_at=until)
    text = page(log_in(portal, client, email))
    assert "Pay by:" in text
    assert until.isoformat() in text
    assert f'href="/orders/{order.id}"' in text
    assert "¥1,624" in text


def test_all_pages_of_stripes_list_are_read(portal: Portal, client: FlaskClient, sandbox: Sandbox, email: str) -> None:
    paid = [new_id() for _ in range(120)]
    for order_id in paid:
        pay_at_stripe(portal, sandbox, email, order_id)
    log_in(portal, client, email)
    shown = [numbers(page(client, f"/history?lang=en&page={number}")) for number in (1, 2, 3)]
    assert [len(part) for part in shown] == [50, 50, 20]
    assert sorted(itertools.chain(*shown)) == sorted(order_id[:8] for order_id in paid)
    assert "Orders: 120" in page(client)
    assert numbers(page(client, "/history?lang=en&page=99")) == shown[2]
    assert numbers(page(client, "/history?lang=en&page=x")) == shown[0]


def test_other_business_on_the_account_does_not_count(
    portal: Portal, client: FlaskClient, sandbox: Sandbox, email: str
) -> None:
    pay_at_stripe(portal, sandbox, email, new_id(), portal_id="another-shop")
    assert "There is no order with this address yet." in page(log_in(portal, client, email))


def test_ac_l20_nothing_can_be_planted_with_a_payers_address(
    portal: Portal, client: FlaskClient, sandbox: Sandbox, email: str
) -> None:
    """An order paid at Stripe with the victim's address does not turn up in the victim's history."""
    planted = make_order(portal, email=f"x{email}", state="delivered", money="paid", delivery=RESULT)
    pay_at_stripe(portal, sandbox, email, planted.id)
    text = page(log_in(portal, client, email))
    assert planted.id[:8] not in text
    assert "There is no order with this address yet." in text


def test_another_person_sees_nothing_of_it(portal: Portal, client: FlaskClient, email: str) -> None:
    order = make_order(portal, email=f"x{email}", state="delivered", money="paid", delivery=RESULT)
    assert order.id not in page(log_in(portal, client, email))


def test_a_second_view_within_seconds_does_not_ask_stripe(
    portal: Portal, client: FlaskClient, sandbox: Sandbox, email: str
) -> None:
    first, second = new_id(), new_id()
    pay_at_stripe(portal, sandbox, email, first)
    log_in(portal, client, email)
    assert numbers(page(client)) == [first[:8]]
    pay_at_stripe(portal, sandbox, email, second)
    assert numbers(page(client)) == [first[:8]]
    forget(portal, email)  # what checkout.settle does when a payment of this address moves
    assert sorted(numbers(page(client))) == sorted([first[:8], second[:8]])


def test_when_stripe_is_silent_the_results_open_all_the_same(
    portal: Portal, client: FlaskClient, deaf: FlaskClient, sandbox: Sandbox, email: str
) -> None:
    """P5: the history does not depend on Stripe; it says so, and does not wait again."""
    order = make_order(portal, email=email, state="delivered", money="paid", delivery=RESULT)
    make_payment(portal, order, state="paid", session_id=pay_at_stripe(portal, sandbox, email, order.id))
    lost = new_id()
    pay_at_stripe(portal, sandbox, email, lost)
    assert lost[:8] in numbers(page(log_in(portal, client, email)))
    text = page(log_in(portal, deaf, email))
    assert SILENT in text
    assert f"/orders/{order.id}/files/result.zip" in text
    assert lost[:8] not in text
    with portal.database.transaction() as session:
        kept = session.get_one(StripeHistory, email)
    assert kept.sessions["silent"] is True


def test_a_page_waits_for_one_try_only_and_the_next_for_none(portal: Portal, settings: Settings, email: str) -> None:
    """A Stripe that hangs may hold a page for one timeout, not for three, and not again within seconds."""
    calls = []

    class Broken(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            calls.append(self.path)
            self.send_error(500)

        def log_message(self, *_args: object) -> None:
            """Stay silent."""

    with HTTPServer(("127.0.0.1", 0), Broken) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        broken = settings.model_copy(update={"stripe_api_base": f"http://127.0.0.1:{server.server_port}"})
        app = create_app(broken)
        browser = log_in(portal, app.test_client(), email)
        assert SILENT in page(browser)
        assert SILENT in page(browser)
        app.extensions[EXTENSION].database.close()
        server.shutdown()
    assert len(calls) == 1, calls


def test_a_view_takes_few_statements_however_long_the_history(portal: Portal, client: FlaskClient, email: str) -> None:
    for _ in range(5):
        make_payment(portal, make_order(portal, email=email, state="analysed"))
    log_in(portal, client, email)
    page(client)
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    event.listen(portal.database.engine, "before_cursor_execute", note)
    try:
        page(client)
    finally:
        event.remove(portal.database.engine, "before_cursor_execute", note)
    assert len([s for s in statements if "FROM orders" in s]) == 1
    # Who is looking, their former addresses, what Stripe told last, the orders.
    assert len(statements) == 4, statements
