"""Q: a worker that is frozen and comes back, an event that always fails."""

import os
import signal
from pathlib import Path

import pytest
from sqlalchemy import select

from app.models import StripeEvent
from app.webhooks.queue import ATTEMPTS
from tests.faults.house import House
from tests.helpers import process, python, wait_for
from tests.webhooks.deliveries import make_event, stored

pytestmark = pytest.mark.faults


def test_q2_a_frozen_worker_wakes_after_its_event_was_given_to_another(house: House) -> None:
    order = house.order()
    session_id = house.begin(order)
    house.arm("settle.after_stripe:sleep")
    house.pay(session_id)
    house.until(house.fired, what="the worker that holds the event")
    with house.portal.database.transaction() as session:
        holders = session.scalars(select(StripeEvent.taken_by).where(StripeEvent.taken_by.is_not(None))).all()
    frozen = [house.children[str(name).removesuffix("-1")][0] for name in set(holders)][:1]
    assert frozen, "nobody holds it"
    for child in frozen:
        os.killpg(child.pid, signal.SIGSTOP)
    try:
        wait_for(lambda: house.now(order).state == "delivered", 100, "the other worker")
    finally:
        for child in frozen:
            os.killpg(child.pid, signal.SIGCONT)
    assert all(child.poll() is None for child in frozen)


def test_q3_a_poisonous_event_is_set_aside_and_can_be_replayed(house: House, tmp_path: Path) -> None:
    event = make_event()
    house.arm(*["settle.before_stripe:raise"] * (3 * ATTEMPTS))
    assert house.deliver(event).status == 200

    def dead() -> bool:
        house.pass_time(hours=11)
        row = stored(house.portal, event["id"])
        return row is not None and row.state == "dead"

    house.until(dead, 120, "the last try")
    house.arm()
    assert event["id"] in portal_command(house, tmp_path, "events", "list", "--dead")
    portal_command(house, tmp_path, "events", "replay", event["id"])

    def done() -> bool:
        row = stored(house.portal, event["id"])
        return row is not None and row.state == "ignored"

    house.until(done, what="the replay")


def portal_command(house: House, folder: Path, *words: str) -> str:
    """Run `flask portal ...` and return what it says."""
    log = folder / f"{'-'.join(words[:2])}.log"
    with process(
        *python("-m", "flask", "--app", "wsgi", "portal", *words), environment=house.environment, log=log
    ) as child:
        assert child.wait(60) == 0, log.read_text()
    return log.read_text()
