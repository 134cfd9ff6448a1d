"""The stand-ins as real processes on free ports, and a tiny shop that receives their webhooks."""

from __future__ import annotations

import json
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import stripe

from tests.helpers import answers, free_port, process, python, wait_for

SECRET = "whsec_test_000000000000000000000000"


def call(method: str, url: str, body: Any = None) -> tuple[int, Any]:
    """Send JSON, give (status, parsed JSON)."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


@contextmanager
def running(name: str, folder: Path, health: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `python -m name` until the block ends; its log is in the folder."""
    environment["SANDBOX_DIR"] = str(folder)
    log = folder / f"{name}.log"
    with process(*python("-m", *name.split()), environment=environment, log=log) as child:

        def up() -> bool:
            assert child.poll() is None, log.read_text()
            return answers(health)

        wait_for(up, what=name)
        yield child


@dataclass
class Receiver:
    """A shop's webhook endpoint: checks the signature, keeps what came, answers as told."""

    url: str = ""
    secret: str = SECRET
    events: list[stripe.Event] = field(default_factory=list)
    signatures: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    hold: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def take(self, body: bytes, signature: str) -> int:
        try:
            event = stripe.Webhook.construct_event(body, signature, self.secret)
        except stripe.SignatureVerificationError:
            self.refused.append(signature)
            return 400
        with self.arrived:
            self.events.append(event)
            self.signatures.append(signature)
            status = self.answers.pop(0) if self.answers else 200
            self.arrived.notify_all()
        self.hold.wait(20)
        return status

    def of(self, object_id: str) -> list[str]:
        """Give the types of the events about one object."""
        return [event.type for event in list(self.events) if event.data.object.id == object_id]

    def wait(self, object_id: str, type_: str, times: int = 1) -> stripe.Event:
        def found() -> list[stripe.Event]:
            return [e for e in self.events if e.type == type_ and e.data.object.id == object_id]

        with self.arrived:
            assert self.arrived.wait_for(lambda: len(found()) >= times, timeout=20), (
                type_,
                self.of(object_id),
            )
        return found()[-1]


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    receiver.hold.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(receiver.take(body, self.headers["Stripe-Signature"]))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Stripe:
    """The running stand-in: its client, its control API, its shop."""

    base: str
    folder: Path
    receiver: Receiver

    def __post_init__(self) -> None:
        self.client = stripe.StripeClient(
            "sk_test_123", base_addresses={"api": self.base}, stripe_version=stripe.api_version
        )
        self.sessions = self.client.v1.checkout.sessions

    def control(self, path: str, body: Any = None, *, method: str = "POST", status: int = 200) -> Any:
        got, answer = call(method, f"{self.base}/_control/api/{path}", body if method == "GET" else body or {})
        assert got == status, answer
        return answer

    def create(self, amount: int = 1500, **changes: Any) -> stripe.checkout.Session:
        """Create a session as a shop would; a change to None leaves the parameter out."""
        params: dict[str, Any] = {
            "mode": "payment",
            "success_url": "http://shop.test/return?s={CHECKOUT_SESSION_ID}",
            "cancel_url": "http://shop.test/order",
            "allowed_payment_method_types": ["card", "konbini"],
            "client_reference_id": "order-1",
            "customer_email": "Taro@example.com",
            "customer_creation": "always",
            "locale": "ja",
            "line_items": [line_item(amount)],
            "metadata": {"order_id": "order-1"},
            "payment_intent_data": {"metadata": {"order_id": "order-1"}},
            **changes,
        }
        if amount < 120:
            params["allowed_payment_method_types"] = ["card"]
        return self.sessions.create({k: v for k, v in params.items() if v is not None})  # type: ignore[arg-type]

    def refusal(self, act: Callable[[], Any]) -> stripe.InvalidRequestError:
        with pytest.raises(stripe.InvalidRequestError) as caught:
            act()
        return caught.value

    def paid_by_card(self, **changes: Any) -> stripe.checkout.Session:
        session = self.create(**changes)
        self.control(f"sessions/{session.id}/pay_card")
        return self.full(session.id)

    def with_voucher(self, **changes: Any) -> stripe.checkout.Session:
        session = self.create(**changes)
        self.control(f"sessions/{session.id}/issue_voucher")
        return self.full(session.id)

    def deliveries(self, event_id: str) -> list[dict[str, Any]]:
        """Give what became of an event at each endpoint."""
        found: list[dict[str, Any]] = next(
            event["deliveries"] for event in self.control("events", method="GET") if event["id"] == event_id
        )
        return found

    def newest(self, type_: str, object_id: str) -> stripe.Event:
        """Give the newest event of a type about an object."""
        found = self.client.v1.events.list({"type": type_, "limit": 100}).data
        return next(event for event in found if event.data.object.id == object_id)

    def full(self, session_id: str) -> stripe.checkout.Session:
        """Retrieve a session with all of its payment."""
        return self.sessions.retrieve(session_id, {"expand": ["payment_intent.latest_charge.balance_transaction"]})


def line_item(amount: int, **changes: Any) -> dict[str, Any]:
    data = {"currency": "jpy", "unit_amount": amount, "product_data": {"name": "CSVプロファイル"}}
    return {"price_data": data | changes, "quantity": 1}


@contextmanager
def stripe_running(folder: Path, receiver: Receiver, port: int | None = None) -> Iterator[Stripe]:
    port = port or free_port()
    base = f"http://127.0.0.1:{port}"
    environment = {
        "SANDBOX_STRIPE_PORT": str(port),
        "SANDBOX_WEBHOOK_URL": receiver.url,
        "SANDBOX_WEBHOOK_SECRET": SECRET,
    }
    with running("sandbox.stripe", folder, f"{base}/healthz", **environment):
        yield Stripe(base, folder, receiver)


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stripe]:
    with receiving() as receiver, stripe_running(tmp_path_factory.mktemp("stripe"), receiver) as running_api:
        running_api.control("settings", {"rate_limits": False, "webhook_backoff_seconds": [0.1, 0.1]})
        yield running_api


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stripe]:
    """Run a stand-in for one module alone, whose clock may be moved."""
    with receiving() as receiver, stripe_running(tmp_path_factory.mktemp("own"), receiver) as running_api:
        running_api.control("settings", {"rate_limits": False})
        yield running_api
