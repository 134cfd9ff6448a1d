"""An event that can't be handled is tried again with growing waits, then dead; nothing of it is lost (AC-W13)."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path

import pytest
from flask import current_app
from sqlalchemy import update

from app.errors import StripeDownError
from app.kit.clock import system_clock
from app.models import StripeEvent, WorkerHeartbeat
from app.portal import Portal
from app.webhooks.queue import ATTEMPTS, JITTER, OUTAGE, WAITS, Taken, give_back, let_go, take_due
from tests.helpers import free_port, wait_for
from tests.webhooks.deliveries import keep, stored
from tests.workers import kill_when_called, silent_server, worker_named

House = tuple[Portal, dict[str, str]]


def take(portal: Portal, now: datetime, worker: str = "me-1", most: int = 1) -> list[Taken]:
    with portal.database.transaction() as session:
        return take_due(session, worker, most, now)


def fail(portal: Portal, taken: Taken, error: Exception, now: datetime) -> bool:
    with portal.database.transaction() as session:
        return give_back(session, taken, error, now)


def row(portal: Portal, event_id: str) -> StripeEvent:
    found = stored(portal, event_id)
    assert found is not None
    return found


def fresh(portal: Portal) -> str:
    """Store an event that any worker may take; Stripe does not know its session."""
    return keep(portal, "checkout.session.completed", taken_by=None, id="cs_test_of_nobody")


def portal_events(*words: str) -> tuple[int, str]:
    """Run `portal events ...`; return its exit code and what it says."""
    done = current_app.test_cli_runner().invoke(args=["portal", "events", *words])
    return done.exit_code, done.output


def test_ac_w13_twelve_tries_in_a_day_then_dead_then_anew(own_house: House) -> None:
    """Each failed try is kept with its reason; after the last the event is dead, and a replay begins anew."""
    portal, _ = own_house
    event_id = fresh(portal)
    begun = now = portal.clock()
    for number, wait in enumerate([*WAITS, timedelta()], start=1):
        (taken,) = take(portal, now)
        assert taken == Taken(event_id, number, row(portal, event_id).received_at, "me-1")
        assert take(portal, now, "other-1") == []  # held
        assert fail(portal, taken, ValueError(f"no {number}\nand more"), now) == (number == ATTEMPTS)
        kept = row(portal, event_id)
        assert (kept.attempts, kept.note, kept.taken_by) == (number, f"ValueError: no {number}", None)
        if number < ATTEMPTS:
            assert abs(kept.due_at - now - wait) <= wait * JITTER
            assert (kept.state, kept.handled_at) == ("received", None)
            assert take(portal, kept.due_at - timedelta(milliseconds=1)) == []
        now = kept.due_at
    assert row(portal, event_id).state == "dead"
    assert timedelta(hours=18) < sum(WAITS, timedelta()) < timedelta(hours=30)
    assert take(portal, begun + timedelta(days=9)) == []
    assert portal_events("list", "--dead")[1].count(event_id) == 1
    assert portal_events("replay", event_id) == (0, f"event {event_id} was dead; a worker takes it now\n")
    again = row(portal, event_id)
    assert (again.state, again.attempts, again.handled_at) == ("received", 0, None)
    assert portal_events("list", "--dead") == (0, "no event was given up\n")
    assert event_id in portal_events("list")[1]
    assert [one.id for one in take(portal, begun)] == [event_id]


def test_an_outage_of_stripes_kills_no_event_for_a_day(own_house: House) -> None:
    """P5, I3: when Stripe is back, every event is tried within five minutes, however long it was away."""
    portal, _ = own_house
    event_id = fresh(portal)
    begun = now = row(portal, event_id).received_at
    while now - begun < OUTAGE:
        (taken,) = take(portal, now)
        assert not fail(portal, taken, StripeDownError(), now)
        due = row(portal, event_id).due_at
        assert due - now < timedelta(minutes=5)
        now = due
    (taken,) = take(portal, now)
    assert fail(portal, taken, StripeDownError(), now)
    assert row(portal, event_id).note == "StripeDownError: stripe_down"


def test_replay_says_what_it_can_not_do(own_house: House) -> None:
    portal, _ = own_house
    code, said = portal_events("replay", "evt_unknown")
    assert (code, said) == (1, "Error: no event evt_unknown here; portal events list shows what came\n")
    event_id = fresh(portal)
    with portal.database.transaction() as session:
        session.execute(update(StripeEvent).values(state="handled"))
    assert portal_events("replay", event_id)[0] == 1
    assert row(portal, event_id).state == "handled"


def test_each_event_is_taken_once(own_house: House) -> None:
    portal, _ = own_house
    events = {fresh(portal) for _ in range(40)}

    def worker(number: int) -> list[str]:
        mine: list[str] = []
        while taken := take(portal, system_clock(), f"w-{number}", 3):
            mine += [one.id for one in taken]
        return mine

    with ThreadPoolExecutor(8) as pool:
        all_taken = list(chain.from_iterable(pool.map(worker, range(8))))
    assert len(all_taken) == len(events)
    assert set(all_taken) == events


def test_who_was_given_up_changes_nothing_any_more(own_house: House) -> None:
    """C2, Q2: the first worker was taken for dead and comes late with its failure."""
    portal, _ = own_house
    event_id = fresh(portal)
    now = portal.clock()
    (first,) = take(portal, now, "first-1")
    with portal.database.transaction() as session:
        let_go(session, "first-1", now)
    (second,) = take(portal, now, "second-1")
    assert not fail(portal, first, ValueError("late"), now)
    kept = row(portal, event_id)
    assert (kept.taken_by, kept.note, kept.attempts) == ("second-1", None, second.attempts)


def test_q3_an_event_that_kills_its_workers_is_dead_in_the_end(own_house: House) -> None:
    portal, _ = own_house
    event_id = fresh(portal)
    now = portal.clock()
    for _ in range(ATTEMPTS):
        assert row(portal, event_id).state == "received"
        assert len(take(portal, now)) == 1
        with portal.database.transaction() as session:
            let_go(session, "me-1", now, held=["evt_other"])
    assert (row(portal, event_id).state, take(portal, now)) == ("dead", [])


@pytest.fixture
def stuck(own_house: House, folder: Path) -> tuple[Portal, dict[str, str], str]:
    """Give an event whose worker `lost` was killed with -9 while Stripe did not answer."""
    portal, environment = own_house
    event_id = fresh(portal)
    with (
        silent_server() as (address, server),
        worker_named("lost", {**environment, "STRIPE_API_BASE": f"http://{address}"}, folder) as child,
    ):
        kill_when_called(child, server)
    kept = row(portal, event_id)
    assert (kept.state, kept.attempts, kept.taken_by) == ("received", 1, "lost-1")
    return portal, environment, event_id


@pytest.mark.faults
def test_k4_the_worker_that_comes_back_goes_on(stuck: tuple[Portal, dict[str, str], str], folder: Path) -> None:
    portal, environment, event_id = stuck
    with worker_named("lost", environment, folder):
        wait_for(lambda: row(portal, event_id).state == "ignored", 40, "the event")
    assert (row(portal, event_id).attempts, row(portal, event_id).taken_by) == (2, None)


@pytest.mark.faults
def test_k4_another_worker_takes_over(stuck: tuple[Portal, dict[str, str], str], folder: Path) -> None:
    portal, environment, event_id = stuck
    with portal.database.transaction() as session:
        long_ago = system_clock() - timedelta(minutes=5)
        session.execute(update(WorkerHeartbeat).values(seen_at=long_ago, host="elsewhere"))
    with worker_named("heir", environment, folder):
        wait_for(lambda: row(portal, event_id).state == "ignored", 60, "the event")


@pytest.mark.faults
def test_an_outage_holds_nobody_up(own_house: House, folder: Path) -> None:
    """More events fail than a worker has hands, all are recorded; one that stops lets go, the next one does them."""
    portal, environment = own_house
    events = [fresh(portal) for _ in range(20)]
    away = {**environment, "STRIPE_API_BASE": f"http://127.0.0.1:{free_port()}"}
    with worker_named("a", away, folder) as child:
        wait_for(lambda: all(row(portal, one).note == "StripeDownError: stripe_down" for one in events), 60, "tries")
        os.killpg(child.pid, signal.SIGTERM)
        child.wait(30)
    assert {row(portal, one).taken_by for one in events} == {None}
    assert {row(portal, one).state for one in events} == {"received"}
    with worker_named("b", environment, folder):
        wait_for(lambda: {row(portal, one).state for one in events} == {"ignored"}, 60, "all events")
