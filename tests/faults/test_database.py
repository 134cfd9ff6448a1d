"""D: the database is away, locked, full, read-only, or out of connections."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from secrets import token_hex
from uuid import uuid4

import pytest
from sqlalchemy import select, text, update

from app.database import POOL_TIMEOUT_S
from app.models import Order, Payment
from tests.faults.database import disk_full, run_sql, writes_blocked
from tests.faults.house import House
from tests.helpers import wait_for
from tests.webhooks.deliveries import make_event, stored

pytestmark = pytest.mark.faults

on_postgresql = pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
QUICK_S = POOL_TIMEOUT_S + 6  # a client's patience: far less than any lock or statement may take


def many(number: int, act: Callable[[], int]) -> tuple[list[threading.Thread], Counter[int]]:
    """Do something in many threads at once; return them and what they got (0: no answer)."""
    got: Counter[int] = Counter()

    def run() -> None:
        try:
            got[act()] += 1
        except (OSError, HTTPException):
            got[0] += 1

    threads = [threading.Thread(target=run) for _ in range(number)]
    for one in threads:
        one.start()
    return threads, got


def join(threads: list[threading.Thread]) -> None:
    for one in threads:
        one.join(60)
        assert not one.is_alive()


@on_postgresql
@pytest.mark.parametrize("how", ["refuse", "reset"])
def test_d1_database_down(house: House, how: str) -> None:
    order = house.order()
    session_id = house.begin(order)
    house.sandbox.control("settings", {"webhook_backoff_seconds": [5, 60, 300, 1800, 7200]})
    with house.proxies["database"].broken(how):  # type: ignore[arg-type]
        house.pay(session_id)
        threads, got = many(60, lambda: house.deliver(make_event(), QUICK_S).status)
        join(threads)
        assert got == {503: 60}
        assert house.visitor().get("/healthz", QUICK_S).status == 503
        page = house.visitor(order).get(f"/orders/{order.id}", QUICK_S)
        assert page.status == 503
        assert "X-Request-Id".lower() in page.headers
        house.pass_time(seconds=1800)
    house.until(house.healthy, what="the portal to find its database again")
    house.pass_time(hours=5)
    house.opened(order)


@on_postgresql
def test_d3_connection_lost_in_the_middle_of_a_transaction(house: House) -> None:
    order = house.order()
    session_id = house.begin(order)
    with house.portal.database.engine.connect() as connection:
        connection.execute(select(Order.id).where(Order.id == order.id).with_for_update())
        house.pay(session_id)

        def waiting() -> list[int]:
            found = house.sql(
                "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            return [row[0] for row in found]

        for pid in wait_for(waiting, 30, "a worker that waits for the order"):
            house.sql(f"SELECT pg_terminate_backend({pid})")
        connection.rollback()
    house.opened(order)


def test_d4_another_writer_holds_the_database(house: House) -> None:
    events = [make_event() for _ in range(4)]
    with writes_blocked(house.portal):
        threads, got = many(1, lambda: house.deliver(events[0]).status)
        wait_for(lambda: _blocked(house), 40, "a writer that waits")
    join(threads)
    assert got == {200: 1}
    assert stored(house.portal, events[0]["id"])


def test_d4_another_writer_holds_the_database_for_too_long(house: House) -> None:
    order = house.order()
    session_id = house.begin(order)
    with writes_blocked(house.portal):
        threads, got = many(3, lambda: house.deliver(make_event()).status)
        house.pay(session_id)
        join(threads)
        assert got == {503: 3}
    house.opened(order)


def _blocked(house: House) -> bool:
    if house.backend == "sqlite":
        return True  # nobody can see who waits for a file lock; the request was sent, and has not been answered
    return bool(house.sql("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))


@on_postgresql
def test_d5_deadlock(house: House) -> None:
    order = house.order()
    session_id = house.begin(order)
    with house.portal.database.engine.connect() as connection:
        # The worker shall be the one whom PostgreSQL chooses.
        connection.execute(text("SET LOCAL deadlock_timeout = '1h'"))
        connection.execute(select(Payment.id).where(Payment.order_id == order.id).with_for_update())
        house.pay(session_id)
        waits = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        wait_for(lambda: house.sql(waits), 30, "the worker that holds the order and wants the payment")
        connection.execute(update(Order).where(Order.id == order.id).values(progress=Order.progress))
        connection.rollback()
    assert "deadlock detected" in (house.folder / "postgresql" / "log").read_text()
    house.opened(order)


def test_d6_no_connection_left(house: House) -> None:
    with writes_blocked(house.portal):
        threads, got = many(160, lambda: house.deliver(make_event(), 60).status)
        wait_for(lambda: got[503], 60, "the first refusal")
        assert {house.visitor().get("/healthz", QUICK_S).status for _ in range(12)} <= {200, 503}
    join(threads)
    assert set(got) <= {200, 503}
    assert got[503] > 0


@on_postgresql
def test_d6_webhooks_have_connections_of_their_own(house: House) -> None:
    with house.portal.database.engine.connect() as connection:
        connection.exec_driver_sql("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        threads, got = many(160, lambda: house.visitor().get(f"/orders/{uuid4()}").status)
        wait_for(lambda: got[503], 60, "a page that found no connection")
        assert house.deliver(make_event()).status == 200
        connection.rollback()
    join(threads)


def test_d7_disk_full(house: House) -> None:
    first, order = house.order(), house.order()
    sessions = [house.begin(first), house.begin(order)]
    house.pay(sessions[0])
    house.opened(first)
    house.mailed(first)
    with disk_full(house.folder):
        got = [house.deliver(make_event(note=token_hex(10_000))).status for _ in range(12)]
        assert set(got) <= {200, 503}
        assert 503 in got
        assert house.visitor(first).get(f"/orders/{first.id}").status == 200
        house.pay(sessions[1])
    house.opened(order)
    if house.backend == "sqlite":
        assert house.sql("PRAGMA integrity_check") == [("ok",)]


def test_d8_log_volume_full(house: House) -> None:
    for name in ("web", "worker-1", "worker-2"):
        house.stop(name)
        house.silenced.add(name)
        house.start(name)
    assert house.visitor().get("/no-such-page").status == 404
    with house.proxies["stripe"].broken("reset"):
        order = house.order()
        page = house.visitor(order)
        token = page.token(f"/orders/{order.id}/pay?method=card")
        assert page.post(f"/orders/{order.id}/pay", {"csrf_token": token, "method": "card"}).status == 503
    house.pay(house.begin(order))
    house.opened(order)


@on_postgresql
def test_d9_failed_over_to_a_read_only_copy(house: House) -> None:
    first, order = house.bought(), house.order()
    house.opened(first)
    house.mailed(first)  # between the mail server and the mark any fault repeats a mail, as in K9
    session_id = house.begin(order)
    with read_only(house):
        house.pay(session_id)
        assert house.deliver(make_event()).status == 503
        # A connection that was used less than a second ago is not asked whether it lives.
        house.until(lambda: house.visitor(first).get(f"/orders/{first.id}").status == 200, what="a page")
    house.opened(order)


@contextmanager
def read_only(house: House) -> Iterator[None]:
    """Let the database take no writes; every connection begins anew, as after a failover."""
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    server = f"{house.portal.database.url.rpartition('/')[0]}/postgres"
    run_sql(server, "ALTER DATABASE house SET default_transaction_read_only = on")
    house.sql(f"SELECT pg_terminate_backend(pid) {others}")
    house.portal.database.close()
    try:
        yield
    finally:
        run_sql(server, "ALTER DATABASE house RESET default_transaction_read_only")
        house.sql(f"SELECT pg_terminate_backend(pid) {others}")
        house.portal.database.close()
