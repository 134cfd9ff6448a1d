"""The jobs that open a paid result, and that tell of its last day."""

from datetime import timedelta

from app.delivery.keeping import give_notice
from app.delivery.service import build, call_staff, rebuild
from app.jobs import SCHEDULE, StepFailedError, job, next_key, step, times_before
from app.portal import portal

# A result that can't be built waits outside the queue, so that it holds up nobody else's: a day and a half in all.
WAITS = tuple(timedelta(seconds=s) for s in (10, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800, 57_600))
STAFF_AFTER = 4  # rounds, some minutes; it is tried further

SCHEDULE["delivery.notice"] = timedelta(hours=1)


@job("delivery.build")
def run(order_id: str) -> None:
    """Build the deliverable of an order and open it; where that fails for long, staff are told."""
    try:
        step(lambda: build(order_id), name="build", attempts=4)
    except StepFailedError:
        rounds = times_before()
        step(lambda: _try_later(order_id, rounds), name="try_later")


@job("delivery.rebuild")
def run_again(order_id: str) -> None:
    """Put the deliverable of a delivered order together anew; staff, who asked for it, are told where that fails."""
    try:
        step(lambda: rebuild(order_id), name="rebuild", attempts=8)
    except StepFailedError:
        step(lambda: _tell_staff(order_id), name="tell_staff")


def _tell_staff(order_id: str) -> None:
    with portal.database.transaction() as session:
        call_staff(session, order_id)


def _try_later(order_id: str, rounds: int) -> None:
    with portal.database.transaction() as session:
        if rounds >= STAFF_AFTER:
            call_staff(session, order_id)
        if rounds < len(WAITS):
            portal.jobs.enqueue(session, "delivery.build", order_id, key=next_key(), delay=WAITS[rounds])


@job("delivery.notice")
def notice(_moment: str) -> None:
    """Write to everybody whose result is deleted soon."""
    step(give_notice, name="notice")
