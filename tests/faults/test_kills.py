"""K: kill -9 at every place where something could be lost or done twice."""

import os
import signal
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect

from app.database import Database
from app.models import Order
from app.portal import Portal
from app.worker import KEEP_FINISHED
from tests.faults.house import House
from tests.helpers import process, python, wait_for
from tests.webhooks.deliveries import make_event, stored

pytestmark = pytest.mark.faults

LATER_S = 300


def killed_at_ingest(house: House, point: str) -> tuple[Order, list[str]]:
    """Pay while a web worker dies at a point; return the order and the events whose sender saw a broken connection."""
    house.sandbox.control("settings", {"webhook_backoff_seconds": [LATER_S] * 5})
    order = house.order()
    session_id = house.begin(order)
    house.arm(f"{point}:kill9")
    house.pay(session_id)
    house.until(house.fired, what=point)
    return order, house.until(house.failed_deliveries, what="Stripe to see the broken connection")


def rows_of(house: House, events: list[str]) -> list[bool]:
    return [stored(house.portal, event) is not None for event in events]


@pytest.mark.parametrize("point", ["webhook.before_insert", "webhook.before_commit"], ids=["k1", "k2"])
def test_k1_k2_killed_before_the_event_is_safe(house: House, point: str) -> None:
    order, broken = killed_at_ingest(house, point)
    # On PostgreSQL the INSERT commits itself: after it the event is safe (K3).
    assert (point == "webhook.before_commit" and house.backend == "postgresql") or not all(rows_of(house, broken))
    house.pass_time(seconds=LATER_S + 1)
    house.opened(order)
    assert all(rows_of(house, broken))


def test_k3_killed_between_commit_and_answer(house: House) -> None:
    order, _ = killed_at_ingest(house, "webhook.after_commit")
    # Other events on the same worker's connections broke too; Stripe may hear of theirs first.
    house.until(lambda: any(rows_of(house, house.failed_deliveries())), what="the event that was safe already")
    paid = next(e["id"] for e in house.told("events") if e["type"] == "checkout.session.completed")  # the newest
    if stored(house.portal, paid):  # it was not this one's connection that broke before it was safe
        house.opened(order)
    house.pass_time(seconds=LATER_S + 1)
    assert house.failed_deliveries() == []
    house.opened(order)


def test_k4_killed_before_stripe_is_asked_another_worker_takes_it(house: House) -> None:
    order = house.order()
    session_id = house.begin(order)
    house.arm("settle.before_stripe:kill9")
    house.pay(session_id)
    # Nobody starts the dead worker again: its work must be missed and taken.
    wait_for(house.fired, 40, "the kill")
    wait_for(lambda: house.now(order).state == "delivered", 100, "the other worker")


@pytest.mark.parametrize(
    "point",
    ["settle.after_stripe", "settle.before_commit", "settle.after_commit", "delivery.after_upload"],
    ids=["k5", "k6", "k7", "k8"],
)
def test_k5_k6_k7_k8_killed_while_settling_and_delivering(house: House, point: str) -> None:
    """K7: the outbox is the job queue in the same database. K8: the consumer dies after its work, before its mark."""
    order = house.order()
    session_id = house.begin(order)
    house.arm(f"{point}:kill9")
    house.pay(session_id)
    house.until(house.fired, what=point)
    house.opened(order)


def test_k9_killed_after_the_mail_server_took_the_mail(house: House) -> None:
    house.arm("mail.after_accept:kill9")
    order = house.bought()
    house.mailed_twice.add(order.id)
    house.until(house.fired, what="the kill")
    house.opened(order)
    house.mailed(order)
    arrived = house.sandbox.mails(order.email)
    assert len(arrived) == 2, "the kill came too early"
    assert len({mail["headers"]["Message-ID"] for mail in arrived}) == 1


def test_k10_killed_while_the_result_is_written(house: House) -> None:
    house.arm("analysis.while_writing:kill9")
    order = house.uploaded()
    house.until(house.fired, what="the kill")
    assert house.visitor(order).get(f"/orders/{order.id}/files/result.zip").status in {404, 409}
    house.until(lambda: house.now(order).state == "analysed", what="the second run")
    assert sorted(key.rpartition("run/")[2] for key, _ in house.portal.storage.list(f"results/{order.id}/run/")) == [
        "report.html",
        "tables/odd.exe",
        "tables/rows.csv",
    ]


def test_k11_killed_while_purging(house: House) -> None:
    order = house.bought()
    house.opened(order)
    old = f"delivery.build:{order.id}"
    house.until(lambda: _finished(house.portal, old), what="the job's end")
    house.arm("purge.before_delete:kill9")
    house.pass_time(seconds=(KEEP_FINISHED + timedelta(minutes=5)).total_seconds())
    house.until(house.fired, what="the kill")
    house.until(lambda: not _finished(house.portal, old), what="the purge to go on")


@pytest.mark.parametrize("statement", [5, 25])
def test_k11_killed_while_migrating(house: House, tmp_path: Path, statement: int) -> None:
    url = _empty_database(house, tmp_path)
    command = python("-m", "alembic", "upgrade", "head")
    log = tmp_path / "alembic.log"
    environment = {**house.environment, "DATABASE_URL": url, "FAILPOINT": f"migration.statement:kill9:{statement}"}
    with process(*command, environment=environment, log=log) as child:
        assert child.wait(60) == -signal.SIGKILL, log.read_text()
    with process(*command, environment={**environment, "FAILPOINT": ""}, log=log) as child:
        assert child.wait(60) == 0, log.read_text()
    assert _tables(url) == _tables(house.portal.database.url)


def test_k12_stopped_politely_with_requests_in_flight(house: House) -> None:
    order = house.order()
    session_id = house.begin(order)
    got: list[int] = []

    def send(event: dict[str, Any]) -> None:
        got.append(house.deliver(event).status)

    house.arm(*["webhook.before_insert:sleep"] * 8)
    events = [make_event() for _ in range(8)]
    senders = [threading.Thread(target=send, args=(event,)) for event in events]
    for sender in senders:
        sender.start()
    house.until(house.fired, what="eight requests in flight")
    house.stop("web")
    for sender in senders:
        sender.join(30)
    assert got == [200] * 8
    house.start("web")
    house.arm("settle.before_stripe:sleep")
    house.pay(session_id)
    house.until(house.fired, what="a job under way")
    for worker in ("worker-1", "worker-2"):
        house.restart(worker)
    house.opened(order)


def _finished(portal: Portal, job: str) -> bool:
    return [one.status for one in portal.jobs.client.list_workflows(workflow_ids=[job])] == ["SUCCESS"]


def _empty_database(house: House, folder: Path) -> str:
    if house.backend == "sqlite":
        return f"sqlite:///{folder / 'empty.sqlite3'}"
    name = f"empty_{os.urandom(4).hex()}"
    house.sql(f"CREATE DATABASE {name}")
    return f"{house.portal.database.url.rpartition('/')[0]}/{name}"


def _tables(url: str) -> dict[str, list[str]]:
    database = Database(url)
    try:
        looked = inspect(database.engine)
        return {name: sorted(c["name"] for c in looked.get_columns(name)) for name in sorted(looked.get_table_names())}
    finally:
        database.close()
