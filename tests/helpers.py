"""What tests share: waiting on a condition, reading the mailbox, making orders."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from app.kit.ids import digest, new_id, new_secret
from app.models import Order, Payment
from app.portal import Portal

ROOT = Path(__file__).resolve().parents[1]
SHARED_DATA = ROOT.parent / "shared" / "data"
# Of a real sandbox account in the stand-in's place; who has one sets it by hand (docs/stripe-stand-in.md).
REAL_STRIPE = os.environ.get("REAL_STRIPE_API_KEY", "")
PORTS = range(20_000, 32_000)
T = TypeVar("T")


def wait_for(condition: Callable[[], T | None], timeout: float = 40.0, what: str = "") -> T:
    """Return the first truthy value of a condition; fail with its name after `timeout` seconds."""
    pause = 0.02
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout} s in vain for {what or condition}")
        _rest(pause)
        pause = min(pause * 1.5, 0.25)


def _rest(seconds: float) -> None:
    """Let other processes run between two looks at a condition."""
    end = time.monotonic() + seconds
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nothing:
        nothing.bind(("127.0.0.1", 0))
        nothing.settimeout(max(0.001, end - time.monotonic()))
        try:
            nothing.recv(1)
        except TimeoutError:
            return


def get_json(url: str) -> Any:
    """Fetch JSON from a stand-in."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def post_json(url: str, body: dict[str, Any] | None = None) -> Any:
    """Send JSON to a stand-in's control interface."""
    request = urllib.request.Request(
        url, data=json.dumps(body or {}).encode(), headers={"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def answers(url: str) -> bool:
    """Tell whether something answers 200 at an address."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on.

    It is below the range that the system takes for outgoing connections: one of those must not have it meanwhile.
    """
    while True:
        port = secrets.choice(PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


@dataclass(frozen=True)
class Sandbox:
    """Addresses of the started stand-ins, and the secret that signs webhooks."""

    stripe: str
    mailbox: str
    s3: str
    smtp: str
    webhook_secret: str
    environment: dict[str, str] = field(default_factory=dict)

    def mails(self, to: str) -> list[dict[str, Any]]:
        """Return the mails to an address, newest first."""
        listed = get_json(f"{self.mailbox}/api/messages?to={urllib.parse.quote(to)}")
        return list(listed)

    def control(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Play a moment at the Stripe stand-in, such as `sessions/cs_.../pay_at_till`."""
        return post_json(f"{self.stripe}/_control/api/{path}", body)


def unknown_calls(calls: list[dict[str, Any]]) -> list[str]:
    """Tell of each call to the Stripe stand-in that it did not know, or that broke the SDK's contract."""
    return [
        f"the portal called {call['method']} {call['path']}, which the stand-in does not know: "
        f"{call['error']['message'] if call['error'] else 'no error told'}"
        for call in calls
        if call["unknown"]
    ]


@contextmanager
def process(*command: str, environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in its own group; stop it at the end, and kill what is left of the group."""
    with log.open("ab") as output:
        child = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONWARNINGS": "", **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield child
        finally:
            stop(child)


def stop(child: subprocess.Popen[bytes]) -> None:
    """End a program: politely, then by force."""
    if child.poll() is None:
        child.terminate()
        with suppress(subprocess.TimeoutExpired):
            child.wait(15)
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait(10)


def python(*arguments: str) -> list[str]:
    """Return a command of this Python."""
    return [sys.executable, *arguments]


def make_order(portal: Portal, **columns: Any) -> Order:
    """Store an order; anything not given is that of a fresh CSV profile order of an unknown browser."""
    values: dict[str, Any] = {
        "id": new_id(),
        "product": "csv-profile",
        "email": f"{new_id()}@example.jp",
        "claim_hash": digest(new_secret()),
        "locale": "ja",
        "charge": "after_analysis",
        "price": 1500,
        "state": "waiting",
        "money": "unpaid",
        "filename": "売上.csv",
        "grant": new_secret(),
        "progress": 0,
        "created_at": portal.clock(),
        "scan": None if columns.get("state", "waiting") in {"waiting", "abandoned"} else "unscanned",
        **columns,
    }
    with portal.database.transaction() as session:
        order = Order(**values)
        session.add(order)
    return order


def make_payment(portal: Portal, order: Order, **columns: Any) -> Payment:
    """Store an attempt to pay an order; anything not given is that of an open card session."""
    values: dict[str, Any] = {
        "id": new_id(),
        "order_id": order.id,
        "method": "card",
        "price": order.price,
        "handling": 0,
        "amount": order.price,
        "state": "open",
        "terms_version": "test",
        "session_id": f"cs_test_{new_id().replace('-', '')}",
        "amount_refunded": 0,
        "created_at": portal.clock(),
        **columns,
    }
    with portal.database.transaction() as session:
        payment = Payment(**values)
        session.add(payment)
    return payment


def reload(portal: Portal, order: Order) -> Order:
    """Read an order anew."""
    with portal.database.transaction() as session:
        fresh = session.get(Order, order.id)
        assert fresh is not None
        return fresh
