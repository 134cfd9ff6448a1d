"""Faults: what the caller sees, what has happened, and what the same key gives afterwards."""

from __future__ import annotations

import errno
import json
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.sandbox.conftest import Stripe, call, line_item

CREATE = "POST /v1/checkout/sessions"


@pytest.fixture(autouse=True)
def no_faults_left(api: Stripe) -> Iterator[None]:
    yield
    api.control("faults/clear")


def params() -> Any:
    """Give a session's parameters that can be found again."""
    return {
        "mode": "payment",
        "success_url": "http://shop.test/",
        "client_reference_id": str(uuid.uuid4()),
        "line_items": [line_item(500)],
    }


def made(api: Stripe, wanted: Any) -> int:
    """Count the sessions that came of these parameters."""
    sessions = api.control("sessions", method="GET")
    return [one["client_reference_id"] for one in sessions].count(wanted["client_reference_id"])


def keyed() -> Any:
    return {"idempotency_key": str(uuid.uuid4())}


def answers_of(api: Stripe, timeout: float = 20, retries: int = 0) -> stripe.StripeClient:
    return stripe.StripeClient(
        "sk_test_1",
        base_addresses={"api": api.base},
        max_network_retries=retries,
        http_client=stripe.RequestsClient(timeout=timeout),
    )


@pytest.mark.parametrize(("kind", "sessions"), [("500_before", 0), ("500_after", 1)])
def test_a_500_is_kept_whether_it_was_done_or_not(api: Stripe, kind: str, sessions: int) -> None:
    api.control("faults", {"route": CREATE, "kind": kind, "times": 1})
    wanted, options = params(), keyed()
    for replayed in (None, "true"):
        with pytest.raises(stripe.APIError) as caught:
            api.sessions.create(wanted, options)
        assert caught.value.http_status == 500
        headers: Any = caught.value.headers
        assert headers.get("idempotent-replayed") == replayed
        assert headers["stripe-should-retry"] == "false"
    assert made(api, wanted) == sessions
    api.sessions.create(wanted, keyed())
    assert made(api, wanted) == sessions + 1


def test_the_sdk_does_not_repeat_a_kept_500_but_it_repeats_a_read(api: Stripe) -> None:
    client = answers_of(api, retries=2)
    session = api.create()
    api.control("faults", {"route": "* /v1/checkout/sessions*", "kind": "500_before", "times": 2})
    assert client.v1.checkout.sessions.retrieve(session.id).id == session.id
    api.control("faults", {"route": CREATE, "kind": "500_before", "times": 1})
    with pytest.raises(stripe.APIError):
        client.v1.checkout.sessions.create(params(), keyed())


def test_what_fails_validation_is_no_500(api: Stripe) -> None:
    api.control("faults", {"route": CREATE, "kind": "500_before", "times": 1})
    assert api.refusal(lambda: api.create(colour="red")).code == "parameter_unknown"


@pytest.mark.parametrize(("kind", "sessions"), [("reset_before", 0), ("reset_after", 1)])
def test_a_torn_connection_and_the_same_key_again(api: Stripe, kind: str, sessions: int) -> None:
    api.control("faults", {"route": CREATE, "kind": kind, "times": 1})
    wanted, options = params(), keyed()
    with pytest.raises(stripe.APIConnectionError) as caught:
        api.sessions.create(wanted, options)
    assert "Connection reset by peer" in str(caught.value)
    assert made(api, wanted) == sessions
    again: Any = api.sessions.create(wanted, options)
    assert again.last_response.headers.get("idempotent-replayed") == ("true" if sessions else None)
    assert made(api, wanted) == 1


@pytest.mark.parametrize("kind", ["reset_before", "reset_after"])
def test_a_reset_is_a_real_one(api: Stripe, kind: str) -> None:
    """TCP RST, not a polite end: a socket sees ECONNRESET."""
    api.control("faults", {"route": "GET /v1/account", "kind": kind, "times": 1})
    host, port = api.base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall(b"GET /v1/account HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk_test_1\r\n\r\n")
        with pytest.raises(OSError, match="reset") as caught:
            raw.recv(1)
    assert caught.value.errno == errno.ECONNRESET


def test_a_timeout_and_the_same_key_again(api: Stripe) -> None:
    api.control("faults", {"route": CREATE, "kind": "timeout", "times": 1, "seconds": 30})
    wanted, options = params(), keyed()
    with pytest.raises(stripe.APIConnectionError) as caught:
        answers_of(api, timeout=0.5).v1.checkout.sessions.create(wanted, options)
    assert "Read timed out" in str(caught.value)
    again: Any = api.sessions.create(wanted, options)
    assert again.last_response.headers["idempotent-replayed"] == "true"
    assert made(api, wanted) == 1


def test_the_sdk_gets_over_a_torn_answer_by_itself(api: Stripe) -> None:
    api.control("faults", {"route": CREATE, "kind": "reset_after", "times": 2})
    wanted = params()
    session: Any = answers_of(api, retries=2).v1.checkout.sessions.create(wanted)
    assert session.last_response.headers["idempotent-replayed"] == "true"
    assert made(api, wanted) == 1


def test_latency_only_delays(api: Stripe) -> None:
    """A client with less patience than the delay gives up; one with more gets its answer."""
    api.control("faults", {"route": "GET /v1/account", "kind": "latency", "times": 2, "seconds": 0.6})
    with pytest.raises(stripe.APIConnectionError):
        answers_of(api, timeout=0.2).v1.accounts.retrieve_current()
    assert answers_of(api).v1.accounts.retrieve_current().country == "JP"
    assert api.control("faults", method="GET") == []


def test_a_429_is_not_kept(api: Stripe) -> None:
    api.control("faults", {"route": CREATE, "kind": "429", "times": 1})
    wanted, options = params(), keyed()
    with pytest.raises(stripe.RateLimitError) as caught:
        api.sessions.create(wanted, options)
    body: Any = caught.value.json_body
    assert body["error"]["code"] == "rate_limit"
    headers: Any = caught.value.headers
    assert headers["stripe-rate-limited-reason"] == "global-rate"
    assert "stripe-should-retry" not in headers
    assert made(api, wanted) == 0
    assert api.sessions.create(wanted, options).status == "open"


def test_a_fault_hits_its_route_so_many_times(api: Stripe) -> None:
    fault = api.control("faults", {"route": "GET /v1/events*", "kind": "500_before", "times": 2})
    assert api.control("faults", method="GET") == [fault]
    api.client.v1.accounts.retrieve_current()
    for left in ([fault | {"times": 1}], []):
        with pytest.raises(stripe.APIError):
            api.client.v1.events.list()
        assert api.control("faults", method="GET") == left
    api.client.v1.events.list()


def test_a_fault_without_a_number_stays_until_it_is_removed(api: Stripe) -> None:
    fault = api.control("faults", {"route": "* /v1/*", "kind": "500_before", "times": None})
    for _ in range(3):
        with pytest.raises(stripe.APIError):
            api.client.v1.accounts.retrieve_current()
    assert api.control(f"faults/{fault['id']}/delete") == []
    assert api.client.v1.accounts.retrieve_current().country == "JP"


def test_a_share_hits_some(api: Stripe) -> None:
    api.control("faults", {"route": "GET /v1/account", "kind": "500_before", "share": 0.5})
    hit = 0
    for _ in range(60):
        try:
            api.client.v1.accounts.retrieve_current()
        except stripe.APIError:
            hit += 1
    assert 0 < hit < 60


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "earthquake"},
        {"route": "everything"},
        {"times": 0},
        {"times": -1},
        {"share": 0},
        {"share": 1.5},
        {"seconds": "long"},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(api: Stripe, wrong: dict[str, Any]) -> None:
    api.control("faults", {"route": CREATE, "kind": "429"} | wrong, status=400)
    assert api.control("faults", method="GET") == []
    api.control("faults/fault_99/delete", status=404)


def test_a_form_can_set_a_fault(api: Stripe) -> None:
    """The control page sends empty fields for what was not filled in."""
    form = b"route=POST+/v1/refunds&kind=429&times=&share=&seconds="
    host, port = api.base.removeprefix("http://").split(":")
    head = (
        "POST /_control/do/faults HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(form)}\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall(head.encode() + form)
        assert raw.recv(100).startswith(b"HTTP/1.1 303")
    (fault,) = api.control("faults", method="GET")
    assert (fault["times"], fault["share"]) == (None, 1.0)


def test_a_body_that_nobody_reads_does_not_harm_the_next_call(api: Stripe) -> None:
    url = f"{api.base}/_control/api/no-such-thing"
    with socket.create_connection(api.base.removeprefix("http://").split(":"), timeout=10) as raw:  # type: ignore[arg-type]
        body = json.dumps({"x": "y" * 100_000}).encode()
        raw.sendall(f"POST {url} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = raw.recv(65536)
    assert b" 404 " in answer.partition(b"\r\n")[0]
    assert b"Connection: close" in answer
    assert call("GET", f"{api.base}/healthz") == (200, {"status": "ok"})


def test_a_held_caller_does_not_hold_the_others(api: Stripe) -> None:
    api.control("faults", {"route": "GET /v1/events", "kind": "timeout", "times": 1, "seconds": 30})
    failures: list[Exception] = []

    def ask() -> None:
        try:
            answers_of(api, timeout=2).v1.events.list()
        except stripe.APIConnectionError as error:
            failures.append(error)

    held = threading.Thread(target=ask)
    held.start()
    end = time.monotonic() + 10
    while api.control("faults", method="GET"):
        assert time.monotonic() < end
    assert api.client.v1.accounts.retrieve_current().country == "JP"
    held.join()
    assert len(failures) == 1
