"""What arrives at the door: shapes, sizes, modes (AC-W03, W10, W11, W14, W16, W19)."""

import http.client
import socket
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr
from sqlalchemy import func, select, text

from app import create_app
from app.models import Base
from app.portal import EXTENSION, Portal
from app.settings import Settings
from tests.web.raw import ask
from tests.webhooks.deliveries import browser_here, deliver, encode, make_event, sign, stored

LIMIT = 256 * 1024


def send(live: str, body: bytes, headers: dict[str, str] | None = None) -> int:
    """Send a body to the real web server; returns the status."""
    connection = http.client.HTTPConnection(urlsplit(live).netloc, timeout=10)
    connection.request("POST", "/webhooks/stripe", body, {"Stripe-Signature": sign(body), **(headers or {})})
    status = connection.getresponse().status
    connection.close()
    return status


def test_the_real_server_takes_a_good_event(portal: Portal, live: str) -> None:
    event = make_event()
    assert send(live, encode(event)) == 200
    assert stored(portal, event["id"]) is not None


@pytest.mark.parametrize(
    ("type_", "about"),
    [
        ("checkout.session.completed", {"id": "cs_test_1", "payment_intent": "pi_1"}),
        ("charge.refunded", {"id": "ch_1", "payment_intent": "pi_1"}),
        ("charge.dispute.created", {"id": "du_1", "payment_intent": "pi_1"}),
        ("refund.updated", {"id": "re_1", "payment_intent": None}),
        ("payout.paid", {"id": "po_1"}),
    ],
)
def test_an_event_is_found_by_what_it_is_about(
    portal: Portal, client: FlaskClient, type_: str, about: dict[str, str | None]
) -> None:
    """By the Checkout Session or PaymentIntent that is settled for it, so staff see it with the order."""
    event = make_event(type_, data={"object": about})
    body = encode(event)
    assert deliver(client, body, sign(body)).status_code == 200
    row = stored(portal, event["id"])
    expected = {"charge.refunded": "pi_1", "charge.dispute.created": "pi_1"}.get(type_, about["id"])
    assert row is not None
    assert row.object_id == expected


def test_ac_w03_a_body_without_length_is_refused(portal: Portal, live: str) -> None:
    """A chunked body without Content-Length: 411 by the real server, and no row."""
    event = make_event()
    body = encode(event)
    headers = (f"Host: {urlsplit(live).netloc}", f"Stripe-Signature: {sign(body)}", "Transfer-Encoding: chunked")
    told = ask(live, "POST /webhooks/stripe HTTP/1.1", *headers, body=b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
    assert told.status == 411
    assert stored(portal, event["id"]) is None


@pytest.mark.parametrize(("extra", "status"), [(0, 200), (1, 413)])
def test_ac_w03_a_body_has_a_largest_size(extra: int, status: int, portal: Portal, live: str) -> None:
    """256 KiB are taken; one byte more: 413, and no row."""
    event = make_event(padding="")
    event["padding"] = "x" * (LIMIT + extra - len(encode(event)))
    assert len(encode(event)) == LIMIT + extra
    assert send(live, encode(event)) == status
    assert (stored(portal, event["id"]) is not None) == (status == 200)


def test_ac_w03_a_compressed_body_is_refused(portal: Portal, live: str) -> None:
    """A body said to be gzip: 400, and no row."""
    event = make_event()
    assert send(live, encode(event), {"Content-Encoding": "gzip"}) == 400
    assert stored(portal, event["id"]) is None


def test_ac_w03_a_body_that_was_cut_off_is_refused(portal: Portal, live: str) -> None:
    """A connection that ends before the body does: never 200, and no row."""
    event = make_event()
    body = encode(event)
    netloc = urlsplit(live).netloc
    head = f"POST /webhooks/stripe HTTP/1.1\r\nHost: {netloc}\r\nStripe-Signature: {sign(body)}\r\n"
    with socket.create_connection((str(urlsplit(live).hostname), urlsplit(live).port or 80), timeout=10) as line:
        line.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:-5])
        line.shutdown(socket.SHUT_WR)
        answer = line.recv(4096)
    assert not answer.startswith(b"HTTP/1.1 200")
    assert stored(portal, event["id"]) is None


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"livemode": True}, "other_mode"),
        ({"account": "acct_1Other"}, "other_account"),
        ({"type": "x.y"}, "unused_type"),
    ],
)
def test_ac_w10_w11_what_is_not_for_us_is_kept_but_ignored(
    changes: dict[str, object], note: str, portal: Portal, client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Of the other mode, of another account (operators are told), of an unused type: 200, kept, without effect."""
    event = {**make_event(), **changes}
    body = encode(event)
    assert deliver(client, body, sign(body)).status_code == 200
    told = [line.msg["why"] for line in caplog.records if line.levelname == "ERROR" and isinstance(line.msg, dict)]
    assert told == ([note] if note != "unused_type" else [])
    row = stored(portal, event["id"])
    assert row is not None
    assert (row.state, row.note, row.type) == ("ignored", note, event["type"])


@pytest.fixture
def other_app(settings: Settings) -> Iterator[Callable[..., FlaskClient]]:
    """Build the application with other settings; its connections are closed at the end."""
    made: list[Flask] = []

    def build(**changes: object) -> FlaskClient:
        made.append(create_app(settings.model_copy(update=changes)))
        client = made[-1].test_client()
        client.environ_base["HTTP_HOST"] = "127.0.0.1"
        return client

    yield build
    for app in made:
        app.extensions[EXTENSION].database.close()


def test_ac_w10_a_live_portal_ignores_test_events(other_app: Callable[..., FlaskClient], portal: Portal) -> None:
    """A test event at a portal with a live key: 200, ignored."""
    event = make_event()
    body = encode(event)
    client = other_app(stripe_api_key=SecretStr("sk_live_dummy"), stripe_refund_key=SecretStr("rk_live_dummy"))
    assert deliver(client, body, sign(body)).status_code == 200
    row = stored(portal, event["id"])
    assert row is not None
    assert (row.state, row.note) == ("ignored", "other_mode")


@pytest.mark.parametrize(
    "data", [None, [], {}, {"object": None}, {"object": {"id": None}}, {"object": {"id": {"a": 1}}}]
)
def test_ac_w14_odd_contents_do_no_harm(data: object, portal: Portal, client: FlaskClient) -> None:
    """No version, unknown fields, missing ones: taken; what counts is read again from Stripe."""
    event = make_event(data=data, api_version=None, surprise={"deep": [1]})
    body = encode(event)
    assert deliver(client, body, sign(body)).status_code == 200
    assert stored(portal, event["id"]) is not None


def test_ac_w16_ten_thousand_times_junk_leaves_nothing(own_house: tuple[Portal, dict[str, str]]) -> None:
    """Ten thousand unsigned bodies: 400 each, and not one row or page more."""
    portal, client = own_house[0], browser_here()
    size, before = _size(portal), _rows(portal)
    junk = encode(make_event())
    for signature in ("t=1,v1=00", None, sign(junk + b" "), "t=,v1"):
        for _ in range(2_500):
            assert deliver(client, junk, signature).status_code == 400
    assert (_size(portal), _rows(portal)) == (size, before)


def _rows(portal: Portal) -> dict[str, int]:
    """Count the rows of every table."""
    with portal.database.transaction() as session:
        tables = Base.metadata.tables.values()
        return {table.name: session.scalar(select(func.count()).select_from(table)) or 0 for table in tables}


def _size(portal: Portal) -> int:
    """Return the bytes of the table of events and its indexes, or of the whole file."""
    postgresql = portal.database.engine.dialect.name == "postgresql"
    query = "SELECT pg_total_relation_size('stripe_events')" if postgresql else "PRAGMA page_count"
    with portal.database.transaction() as session:
        return int(session.scalar(text(query)) or 0)


def test_ac_w19_no_cookie_no_csrf_no_redirect(client: FlaskClient) -> None:
    """The webhook asks for no token, sets no cookie, redirects nowhere; GET: 405."""
    body = encode(make_event())
    answer = deliver(client, body, sign(body), Accept="text/html", Cookie="portal=x; lang=en")
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    get = client.get("/webhooks/stripe?lang=en")
    assert get.status_code == 405
    assert set(get.headers["Allow"].split(", ")) == {"POST", "OPTIONS"}


def test_503_while_the_database_is_away(other_app: Callable[..., FlaskClient]) -> None:
    """I5: no 2xx before the event is safe."""
    client = other_app(database_url=SecretStr("postgresql+psycopg://x@127.0.0.1:1/x"))
    body = encode(make_event())
    assert deliver(client, body, sign(body)).status_code == 503
