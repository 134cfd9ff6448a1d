"""The Stripe gateway: what it sends, how often, and what it makes of bad answers (P1 to P4, P6)."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from app.checkout.service import start
from app.errors import StripeDownError, StripeRefusedError
from app.gateways.stripe import API_VERSION, NoSuchSessionError, StripeFailedError, StripeGateway
from app.models import Order
from app.portal import EXTENSION, Portal
from app.settings import Settings
from tests.checkout.shop import order_of, payments, press_pay
from tests.helpers import Sandbox, free_port, get_json

Answer = tuple[int, dict[str, Any]]


@dataclass
class Scripted:
    """A server that answers from a list, the last answer for ever, and remembers what it was asked."""

    answers: list[Answer] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    address: str = ""


def error(status: int, code: str | None = None, kind: str = "api_error") -> Answer:
    return status, {"error": {"type": kind, "code": code, "message": "no"}}


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    script = Scripted()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.do_GET()

        def do_GET(self) -> None:
            script.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
            status, body = script.answers.pop(0) if len(script.answers) > 1 else script.answers[0]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        script.address = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield script
        server.shutdown()


def gateway(settings: Settings, script: Scripted) -> StripeGateway:
    return StripeGateway(settings.model_copy(update={"stripe_api_base": script.address}))


def test_version_and_key_travel_along(settings: Settings, scripted: Scripted) -> None:
    scripted.answers = [(200, {"id": "acct_1", "object": "account"})]
    assert gateway(settings, scripted).account()["id"] == "acct_1"
    _, headers = scripted.asked[0]
    assert headers["stripe-version"] == API_VERSION
    assert headers["authorization"] == "Bearer sk_test_dummy_for_the_stand_in"


def test_too_many_requests_are_tried_again(settings: Settings, scripted: Scripted) -> None:
    """P1."""
    scripted.answers = [error(429), error(429), (200, {"id": "acct_1", "object": "account"})]
    assert gateway(settings, scripted).account()["id"] == "acct_1"
    assert len(scripted.asked) == 3


def test_a_rush_gets_through_stripes_own_limits(settings: Settings, sandbox: Sandbox, email: str) -> None:
    """P1, at the stand-in with its rate limits on: who is refused comes again, and all get their answer."""
    before = max((call["seq"] for call in get_json(f"{sandbox.stripe}/_control/api/calls")), default=0)
    sandbox.control("settings", {"rate_limits": True, "rate_limit_endpoint": 4})
    try:
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: StripeGateway(settings).sessions_of_email(email), range(8)))
    finally:
        sandbox.control("settings", {"rate_limits": False, "rate_limit_endpoint": 25})
    assert found == [[]] * 8
    asked = get_json(f"{sandbox.stripe}/_control/api/calls?after={before}")
    statuses = [call["status"] for call in asked if call["route"] == "GET /v1/checkout/sessions"]
    assert statuses.count(200) == 8
    assert set(statuses) == {200, 429}


@pytest.mark.parametrize(
    ("answer", "named", "times"),
    [
        (error(500), StripeFailedError, 3),
        (error(401, kind="invalid_request_error"), StripeRefusedError, 1),
        (error(403, kind="invalid_request_error"), StripeRefusedError, 1),
        (error(400, kind="invalid_request_error"), StripeRefusedError, 1),
        (error(400, kind="idempotency_error"), StripeRefusedError, 1),
        (error(409, kind="idempotency_error"), StripeDownError, 3),
        (error(404, "resource_missing", "invalid_request_error"), NoSuchSessionError, 1),
        ((200, {"not": "what was asked for"}), None, 1),
    ],
)
def test_bad_answers_have_names(
    answer: Answer, named: type[Exception] | None, times: int, settings: Settings, scripted: Scripted
) -> None:
    scripted.answers = [answer]
    if named is None:
        assert gateway(settings, scripted).retrieve_session("cs_1") == answer[1]
    else:
        with pytest.raises(named) as raised:
            gateway(settings, scripted).retrieve_session("cs_1")
        assert type(raised.value) is named
    assert len(scripted.asked) == times


def test_no_answer(settings: Settings) -> None:
    nobody = settings.model_copy(update={"stripe_api_base": f"http://127.0.0.1:{free_port()}"})
    with pytest.raises(StripeDownError) as raised:
        StripeGateway(nobody).account()
    assert not isinstance(raised.value, StripeFailedError)


def begin(settings: Settings, scripted: Scripted, order: Order) -> None:
    app: Flask = create_app(settings.model_copy(update={"stripe_api_base": scripted.address}))
    try:
        with app.test_request_context(base_url=settings.public_url):
            start(order.id, "card")
    finally:
        app.extensions[EXTENSION].database.close()


def test_one_attempt_one_key(portal: Portal, client: FlaskClient, settings: Settings, scripted: Scripted) -> None:
    """P2: a stored failure burns the attempt's key; all tries of one attempt carry the same key.

    While Stripe can't say whether the failure left a session, the next attempt waits.
    """
    order = order_of(portal, client)
    scripted.answers = [error(500)]
    for _ in range(2):
        with pytest.raises(StripeFailedError):
            begin(settings, scripted, order)
    burnt, waiting = payments(portal, order)
    assert (burnt.state, waiting.state) == ("abandoned", "creating")
    posts = [headers["idempotency-key"] for _, headers in scripted.asked if "idempotency-key" in headers]
    assert posts == [f"session-{burnt.id}"] * 3
    assert press_pay(client, order).status_code == 303
    assert [p.state for p in payments(portal, order)] == ["abandoned", "open"]


def test_busy_stripe_keeps_the_attempt(
    portal: Portal, client: FlaskClient, settings: Settings, scripted: Scripted
) -> None:
    """P1: three more tries with the same key, then a friendly page; the attempt waits for the next click."""
    order = order_of(portal, client)
    scripted.answers = [error(429)]
    with pytest.raises(StripeDownError):
        begin(settings, scripted, order)
    assert len(scripted.asked) == 4
    assert len({headers["idempotency-key"] for _, headers in scripted.asked}) == 1
    assert [p.state for p in payments(portal, order)] == ["creating"]
