"""The line of analyses with a real worker: fair between people, and no more at a time than the limits say."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from app.analysis.again import cancel
from app.jobs import Place
from app.models import AuditEntry, Order
from app.orders.line import DAY_ZERO, place_of, queue_of
from app.portal import Portal
from app.settings import Settings
from tests.analysis_room.conftest import House, catalog_with, house_on, name_of_run, worker
from tests.helpers import make_order, reload, wait_for

HOUR = 3600
READY = DAY_ZERO + timedelta(days=100)
Open = Callable[[str], AbstractContextManager[House]]


@pytest.fixture
def opened(app: Flask, settings: Settings, environment: dict[str, str], own_database: str, tmp_path: Path) -> Open:
    """Return a function that opens a house whose products have some more lines in the catalog."""

    def open_house(more: str) -> AbstractContextManager[House]:
        catalog = catalog_with(tmp_path / "catalog.toml", ("good", "pause"), more=more)
        return house_on(settings, environment, own_database, catalog)

    return open_house


def test_a_hundred_orders_of_one_do_not_starve_another(opened: Open, tmp_path: Path, email: str) -> None:
    """The other's first is among the next few that start, and all run in the end."""
    with opened("at_once = 1") as house:
        crowd = [house.arrived("good", email).id for _ in range(100)]
        other = house.arrived("good", f"other-{email}")
        with worker({**house.environment, "ANALYSES_AT_ONCE": "1"}, tmp_path / "worker.log"):
            wait_for(lambda: reload(house.portal, other).state == "analysed", 60, "the other's analysis")
        started = _started(house.portal)
    assert started.index(other.id) <= 2, started
    assert started[0] == crowd[0]


def test_a_product_that_is_full_keeps_nobody_else_waiting(opened: Open, tmp_path: Path, email: str) -> None:
    with opened("at_once = 1") as house, worker(house.environment, tmp_path / "worker.log"):
        first = house.arrived("pause", email)
        wait_for(lambda: name_of_run(first), 30, "the first run")
        second = house.arrived("pause", f"b-{email}")
        good = house.arrived("good", f"c-{email}")
        wait_for(lambda: reload(house.portal, good).state == "analysed", 30, "another product's analysis")
        assert reload(house.portal, second).state == "uploaded"
        _cancel(house.portal, first)
        wait_for(lambda: name_of_run(second), 30, "the second run")
        assert reload(house.portal, first).state == "cancelled"


def test_a_worker_that_is_full_takes_no_more(opened: Open, tmp_path: Path, email: str) -> None:
    with opened("at_once = 5") as house:
        environment = {**house.environment, "ANALYSES_AT_ONCE": "1"}
        with worker(environment, tmp_path / "worker.log"):
            first = house.arrived("pause", email)
            wait_for(lambda: name_of_run(first), 30, "the first run")
            second = house.arrived("pause", f"b-{email}")
            good = house.arrived("good", f"c-{email}")
            jobs = house.portal.jobs.client
            wait_for(lambda: len(jobs.list_workflows(name="analysis.work")) == 3, 30, "all at the engine's queue")
            assert reload(house.portal, second).state == reload(house.portal, good).state == "uploaded"
            _cancel(house.portal, first)
            wait_for(lambda: name_of_run(second), 30, "the second run")
            _cancel(house.portal, second)
            wait_for(lambda: reload(house.portal, good).state == "analysed", 30, "the last analysis")


def _cancel(portal: Portal, order: Order) -> None:
    with portal.database.transaction() as session:
        cancel(session, order.id, "shell")


def _started(portal: Portal) -> list[str | None]:
    query = select(AuditEntry.order_id).where(AuditEntry.kind == "work.started").order_by(AuditEntry.at, AuditEntry.id)
    with portal.database.transaction() as session:
        return list(session.scalars(query))


def place(portal: Portal, email: str, ready: datetime = READY, **columns: object) -> Place:
    """Make an order that is ready for its analysis; return its place."""
    times = {"created_at": ready - timedelta(minutes=5), "uploaded_at": ready}
    order = make_order(portal, email=email, **{"state": "uploaded", **times, **columns})
    with portal.database.transaction() as session:
        return place_of(session, order.id)


def test_each_further_order_counts_as_an_hour_later(portal: Portal, email: str) -> None:
    first = place(portal, email)
    assert first == Place(queue_of("csv-profile"), 100 * 24 * HOUR)
    places = [place(portal, email, state=state).priority for state in ("uploaded", "analysing", "uploaded")]
    assert [priority - first.priority for priority in places] == [HOUR, 2 * HOUR, 3 * HOUR]
    done = [
        place(portal, f"d-{email}", state=state).priority for state in ("analysed", "failed", "waiting", "uploaded")
    ]
    assert {priority - first.priority for priority in done} == {0}


def test_tags_of_an_address_are_one_person(portal: Portal, email: str) -> None:
    name, _, domain = email.partition("@")
    tagged = [f"{name}+{tag}@{domain}" for tag in ("a", "b")]
    places = [place(portal, address).priority for address in (email, *tagged, f"{name}x@{domain}", f"{name}@x.example")]
    assert [(priority - places[0]) // HOUR for priority in places] == [0, 1, 2, 0, 0]


def test_signs_of_a_pattern_in_an_address_are_letters(portal: Portal, email: str) -> None:
    place(portal, f"abc+d-{email}")
    assert place(portal, f"a_c+d-{email}").priority == 100 * 24 * HOUR
    assert place(portal, f"%+d-{email}").priority == 100 * 24 * HOUR


def test_who_pays_first_is_half_an_hour_ahead_from_the_payment_on(portal: Portal, email: str) -> None:
    paid_at = READY + timedelta(minutes=20)
    paid = place(portal, email, charge="before_analysis", money="paid", paid_at=paid_at).priority
    assert paid - place(portal, f"b-{email}").priority == 20 * 60 - HOUR // 2
    unpaid = place(portal, f"c-{email}", charge="before_analysis").priority
    assert place(portal, f"c-{email}").priority == unpaid + HOUR // 2  # what is not paid is not in the line
