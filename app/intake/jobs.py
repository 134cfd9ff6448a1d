"""The jobs of this room: confirm an upload that the browser did not, look at what came, find what nobody told of."""

from datetime import timedelta

import structlog
from sqlalchemy.exc import NoResultFound

from app.errors import PortalError
from app.intake.inspection import Look, call_staff, conclude, look
from app.intake.service import confirm_upload
from app.intake.sweep import find_arrived, find_complete, find_unseen
from app.jobs import SCHEDULE, StepFailedError, job, next_key, step, times_before
from app.portal import portal

SCHEDULE["intake.sweep"] = timedelta(minutes=5)

# A scanner that has not said anything yet is asked again, each time after twice the wait: 17 minutes in all. Then staff
# are called, and the sweep goes on asking.
FIRST_WAIT = timedelta(seconds=2)
ASKED_AGAIN = 8

SWEEPS = (find_arrived, find_complete, find_unseen)

log = structlog.get_logger()


@job("intake.confirm")
def confirm(order_id: str) -> None:
    """Confirm an upload whose file lies in the object store, whoever saw it."""
    step(lambda: _confirm(order_id), name="confirm")


def _confirm(order_id: str) -> str:
    try:
        confirm_upload(order_id, "s3")
    except NoResultFound:
        return "gone"
    except PortalError as error:
        if error.status >= 500:  # noqa: PLR2004  (not answered: worth another try)
            raise
        log.info("intake.not_confirmed", order_id=order_id, why=error.code)
        return error.code
    return "confirmed"


@job("intake.inspect")
def inspect(order_id: str) -> None:
    """Look at what an order's file holds, and let the order go on or refuse it."""
    try:
        found = step(lambda: look(order_id).plain(), name="look", attempts=4)
    except StepFailedError:
        step(lambda: _look_later(order_id), name="look_later")
        return
    step(lambda: conclude(order_id, Look.of(found)), name="conclude")


def _look_later(order_id: str) -> None:
    with portal.database.transaction() as session:
        if times_before() >= ASKED_AGAIN:
            call_staff(session, order_id)
            return
        wait = FIRST_WAIT * 2 ** times_before()
        portal.jobs.enqueue(session, "intake.inspect", order_id, key=next_key(), delay=wait)


@job("intake.sweep")
def sweep(moment: str) -> None:
    """Find files that came without anybody telling, and orders whose file was not looked at to the end."""
    found = {look.__name__: step(lambda look=look: look(moment), name=look.__name__) for look in SWEEPS}  # type: ignore[misc]
    if any(found.values()):
        log.warning("intake.swept", **found)
