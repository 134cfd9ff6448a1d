"""P: Stripe is slow, wrong, away or late. C: clocks. N: what stands between. H: a secret is rolled under load."""

import http.client
import os
import re
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.kit.clock import JST
from app.models import Order, Payment, StripeEvent
from tests.conftest import WEBHOOK_SECRET
from tests.faults.house import House
from tests.faults.proxy import http as answer
from tests.faults.test_store_and_mail import ask_to_log_in
from tests.faults.visitor import Answer
from tests.gateways.boxed import running
from tests.helpers import process, python
from tests.webhooks.deliveries import make_event

pytestmark = pytest.mark.faults

CREATE = "POST /v1/checkout/sessions"
DENIED = answer(401, '{"error": {"type": "invalid_request_error", "message": "Invalid API Key provided"}}')


def press(house: House, order: Order) -> Answer:
    browser = house.visitor(order)
    token = browser.token(f"/orders/{order.id}/pay?method=card")
    return browser.post(f"/orders/{order.id}/pay", {"csrf_token": token, "method": "card"})


def sessions_of(house: House, order: Order) -> list[dict[str, Any]]:
    return [one for one in house.told("sessions") if one["client_reference_id"] == order.id]


def payment_states(house: House, order: Order) -> list[str]:
    with house.portal.database.transaction() as session:
        rows = select(Payment.state).where(Payment.order_id == order.id).order_by(Payment.created_at)
        return list(session.scalars(rows))


def pay_in_full(house: House, order: Order) -> None:
    house.pay(house.begin(order))
    house.opened(order)


def test_p1_too_many_requests(house: House) -> None:
    order = house.order()
    house.sandbox.control("faults", {"route": CREATE, "kind": "429", "times": 2})
    assert press(house, order).status == 303
    assert len(sessions_of(house, order)) == 1
    other = house.order()
    house.sandbox.control("faults", {"route": CREATE, "kind": "429"})
    page = press(house, other)
    assert page.status == 503
    assert f"/orders/{other.id}/pay" in page.text
    house.sandbox.control("faults/clear")
    pay_in_full(house, other)
    assert len(sessions_of(house, other)) == 1


def test_p2_stripe_fails_and_remembers_it(house: House) -> None:
    order = house.order()
    house.sandbox.control("faults", {"route": CREATE, "kind": "500_after", "times": 1})
    assert press(house, order).status == 503
    pay_in_full(house, order)
    first, second = payment_states(house, order)
    assert (first in {"abandoned", "expired"}, second) == (True, "paid")
    assert [one["status"] for one in sessions_of(house, order)].count("open") == 0


@pytest.mark.parametrize("kind", ["timeout", "reset_after"])
def test_p3_stripe_makes_the_session_and_the_answer_is_lost(house: House, kind: str) -> None:
    order = house.order()
    house.sandbox.control("faults", {"route": CREATE, "kind": kind, "times": 1, "seconds": 15})
    pay_in_full(house, order)
    assert len(sessions_of(house, order)) == 1


@pytest.mark.parametrize("kind", ["refuse", "reset", "cut"])
def test_p4_no_way_to_stripe(house: House, kind: Any) -> None:
    order, other = house.order(), house.order()
    session_id = house.begin(other)
    with house.proxies["stripe"].broken(kind):
        assert press(house, order).status == 503
        house.pay(session_id)
        house.until(lambda: _tried_in_vain(house), what="a try of the worker")
    pay_in_full(house, order)
    assert len(sessions_of(house, order)) == 1
    house.opened(other)


def _tried_in_vain(house: House) -> bool:
    with house.portal.database.transaction() as session:
        return (
            session.scalar(select(StripeEvent.id).where(StripeEvent.state == "received", StripeEvent.note != ""))
            is not None
        )


def test_p5_stripe_down_for_hours(house: House) -> None:
    order = house.bought()
    house.opened(order)
    browser = ask_to_log_in(house, order.email)
    mail = house.until(lambda: [m for m in house.sandbox.mails(order.email) if "/login/" in m["text"]], what="mail")[0]
    found = re.search(r"/login/[^\s\"]+", mail["text"])
    assert found
    house.marked.append(found[0].removeprefix("/login/"))
    assert browser.post(found[0], {"csrf_token": browser.token(found[0])}).status == 303
    with house.proxies["stripe"].broken("refuse"):
        house.pass_time(hours=2)
        history = browser.get("/history")
        assert history.status == 200
        assert order.id in history.text
        assert browser.get(f"/orders/{order.id}").status == 200
        assert browser.get(f"/orders/{order.id}/files/result.zip").status == 302


def test_p6_stripe_refuses_the_key(house: House, tmp_path: Path) -> None:
    order, other = house.order(), house.order()
    session_id = house.begin(other)
    with house.proxies["stripe"].broken("answer", text=DENIED):
        log = tmp_path / "check.log"
        command = python("-m", "flask", "--app", "wsgi", "portal", "check")
        with process(*command, environment=house.environment, log=log) as child:
            assert child.wait(60) == 1
        assert re.search(r"fail +Stripe", log.read_text()), log.read_text()
        assert press(house, order).status == 502
        house.pay(session_id)
        house.until(lambda: _tried_in_vain(house), what="a try of the worker")
    house.opened(other)
    pay_in_full(house, order)


def test_p7_event_before_our_own_commit(house: House) -> None:
    order = house.order()
    house.arm("checkout.session_made:kill9")
    with pytest.raises((OSError, http.client.HTTPException)):
        press(house, order)
    assert house.fired()
    made = sessions_of(house, order)
    assert len(made) == 1
    house.pay(made[0]["id"])
    house.opened(order)


def test_p8_events_days_late_and_again_after_a_month(house: House) -> None:
    order = house.order()
    session_id = house.begin(order)
    house.sandbox.control("settings", {"webhooks_paused": True})
    house.pay(session_id)
    house.pass_time(days=3)
    house.sandbox.control("settings", {"webhooks_paused": False})
    house.opened(order)
    house.pass_time(days=31)
    for event in house.told("events"):
        if event["created"] >= house.since and event["data"]["object"]["id"] == session_id:
            house.sandbox.control(f"events/{event['id']}/redeliver")


def test_p9_a_burst_of_a_thousand_events(house: House) -> None:
    house.sandbox.control("settings", {"rate_limits": False})
    events = iter([make_event() for _ in range(1000)])
    lock = threading.Lock()
    got: list[int] = []

    def send() -> None:
        while True:
            with lock:
                event = next(events, None)
            if event is None:
                return
            got.append(house.deliver(event).status)

    senders = [threading.Thread(target=send) for _ in range(16)]
    for one in senders:
        one.start()
    while any(one.is_alive() for one in senders):
        assert house.visitor().get("/").status == 200
    assert got == [200] * 1000
    pay_in_full(house, house.order())


def test_p10_slow_senders_at_the_webhook(house: House) -> None:
    head = f"POST /webhooks/stripe HTTP/1.1\r\nHost: 127.0.0.1:{house.port}\r\nContent-Length: 2000\r\n\r\n".encode()
    with _connections(house.port, 100) as slow:
        for one in slow:
            one.sendall(head + b"{")
        for one in slow:
            one.sendall(b" ")
        assert house.visitor().get("/").status == 200
        assert house.visitor().get("/healthz").status == 200
        pay_in_full(house, house.order())


@contextmanager
def _connections(port: int, number: int) -> Iterator[list[socket.socket]]:
    made = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(number)]
    try:
        yield made
    finally:
        for one in made:
            one.close()


@pytest.mark.parametrize("off", [600, -600])
def test_c1_the_portals_clock_is_wrong(house: House, off: float) -> None:
    order = house.order()
    session_id = house.begin(order)
    house.follow_clock(off)
    house.pay(session_id)
    assert house.until(house.failed_deliveries, what="refused events")
    assert house.until(lambda: 'outcome="clock_skew"' in house.visitor().get("/metrics").text, what="the metric")
    house.follow_clock()
    house.opened(order)


def test_c2_the_clock_steps_back_while_an_event_is_held(house: House) -> None:
    order = house.order()
    session_id = house.begin(order)
    house.arm("settle.after_stripe:sleep")
    house.pay(session_id)
    house.until(house.fired, what="the worker that holds it")
    house.follow_clock(-3600)
    house.opened(order)


@pytest.mark.parametrize(
    ("begun", "last_day"), [("2027-12-31 23:58", "2028-01-03"), ("2028-02-26 12:00", "2028-02-29")]
)
def test_c3_voucher_deadline_over_a_year_end_and_in_a_leap_year(house: House, begun: str, last_day: str) -> None:
    moment = datetime.fromisoformat(begun).replace(tzinfo=JST)
    house.pass_time(to=moment.timestamp())
    order = house.order()
    session_id = house.begin(order, "konbini")
    house.sandbox.control(f"sessions/{session_id}/issue_voucher", {"phone": "09012345678"})
    payment = house.until(lambda: _voucher(house, order), what="the voucher")
    assert payment.voucher_expires_at is not None
    assert f"{payment.voucher_expires_at.astimezone(JST):%Y-%m-%d %H:%M:%S}" == f"{last_day} 23:59:59"
    house.sandbox.control(f"sessions/{session_id}/pay_at_till")
    house.opened(order)
    paid_at = house.now(order).paid_at
    assert paid_at is not None
    assert (paid_at - moment.astimezone(UTC)).total_seconds() < 600


def _voucher(house: House, order: Order) -> Payment | None:
    with house.portal.database.transaction() as session:
        return session.scalar(select(Payment).where(Payment.order_id == order.id, Payment.state == "awaiting"))


def test_n1_the_proxy_in_front_of_us_answers_502_after_we_committed(house: House) -> None:
    order = house.order()
    session_id = house.begin(order)
    with house.proxies["web"].broken("replace", text=answer(502)):
        house.pay(session_id)
        broken = house.until(house.failed_deliveries, what="Stripe to see 502")
        house.opened(order)
    house.until(lambda: house.failed_deliveries() == [], what="the repeats")
    with house.portal.database.transaction() as session:
        assert set(session.scalars(select(StripeEvent.id).where(StripeEvent.id.in_(broken)))) == set(broken)


def test_n3_an_analysis_runs_out_of_memory(house: House) -> None:
    os.mkfifo(house.folder / "gate")  # never opened: what waits for it is killed
    hungry, killed, good = house.uploaded("hungry"), house.uploaded("wait"), house.uploaded("good")

    house.folder.chmod(0o755)  # the program is somebody else
    [pid] = house.until(lambda: running(f"program.py wait {house.folder / 'gate'}"), what="the run")
    os.kill(pid, signal.SIGKILL)
    for order, state in ((hungry, "failed"), (killed, "failed"), (good, "analysed")):
        house.until(lambda o=order, s=state: house.now(o).state == s, what=f"{order.product} to end")  # type: ignore[misc]
    assert house.now(hungry).attention == house.now(killed).attention == "analysis_failed"


def test_h1_the_webhook_secret_is_rolled_under_load(house: House) -> None:
    first, second = house.bought(), house.order()
    house.opened(first)
    again = [e["id"] for e in house.told("events") if e["created"] >= house.since][:4]
    stop = threading.Event()

    def load() -> None:
        while not stop.wait(0.3):
            for event in again:
                house.sandbox.control(f"events/{event}/redeliver")

    sender = threading.Thread(target=load)
    sender.start()
    try:
        new = house.sandbox.control(f"endpoints/{house.endpoint}/roll", {"seconds": 86_400})["secret"]
        house.marked.append(new)
        house.extra["STRIPE_WEBHOOK_SECRETS"] = f"{new},{WEBHOOK_SECRET}"
        house.restart("web")
    finally:
        stop.set()
        sender.join(30)
    house.pass_time(days=1)  # from now on only the new secret signs
    pay_in_full(house, second)
    refused = [e["id"] for e in house.told("events") for d in e["deliveries"] if d["answer"] == "HTTP 400"]
    assert refused == []
