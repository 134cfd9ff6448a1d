"""The jobs of this room: keep to the table of retention, delete files, forget a person."""

from collections.abc import Callable
from datetime import timedelta

import structlog

from app.jobs import SCHEDULE, StepFailedError, job, next_key, step, times_before
from app.orders.files import remove_gone
from app.portal import portal
from app.privacy import erase
from app.privacy.retention import RETENTION, apply

SCHEDULE["privacy.retention"] = timedelta(days=1)

SOON, LATEST = timedelta(seconds=2), timedelta(days=1)

log = structlog.get_logger()


@job("privacy.retention")
def keep_to_table(_moment: str) -> None:
    """Apply every rule; one that can't be applied now holds up no other, and is applied tomorrow."""
    met = {}
    for name in RETENTION:
        try:
            met[name] = step(lambda name=name: apply(name), name=name, attempts=4)  # type: ignore[misc]
        except StepFailedError:
            log.exception("retention.rule_failed", rule=name)
    log.info("retention.done", met={name: count for name, count in met.items() if count})


def persist(work: Callable[[], None], name: str, subject: str) -> bool:
    """Do the work of a job; where it fails for long, the job comes again later, until it is done. Returns if it is."""
    try:
        step(work, name="work", attempts=5)
    except StepFailedError:
        come_again(name, subject)
        return False
    return True


def come_again(name: str, subject: str) -> None:
    """Enqueue the job that runs here once more, each time after twice the wait."""
    key, wait = next_key(), min(SOON * 2 ** min(times_before(), 20), LATEST)

    def enqueue() -> None:
        with portal.database.transaction() as session:
            portal.jobs.enqueue(session, name, subject, key=key, delay=wait)

    step(enqueue, name="come_again")


@job("privacy.files")
def delete_files(order_id: str) -> None:
    """Delete the files of an order that its row says are gone; an object store that is away is waited for."""
    persist(lambda: remove_gone(order_id), "privacy.files", order_id)


ERASE = (erase.remove_files, erase.cut_events, erase.ask_for_redaction, erase.say_farewell)


@job("privacy.erase")
def forget(erasure_id: str) -> None:
    """Delete what is left of a person who asked to be forgotten, write to them, then forget the address as well."""
    for work in ERASE:
        if not persist(lambda work=work: work(erasure_id), "privacy.erase", erasure_id):  # type: ignore[misc]
            return
    if not step(lambda: erase.finish(erasure_id), name="finish"):
        come_again("privacy.erase", erasure_id)
