"""What staff (and a customer's wish to be forgotten) do to an analysis: stop it, and run it once more."""

from datetime import datetime

from sqlalchemy.orm import Session

from app.analysis import renewal
from app.errors import ConflictError
from app.kit.ids import new_id
from app.models import Order
from app.orders.content import looked_at
from app.orders.lifecycle import lock, move_work, record
from app.orders.states import PAID
from app.portal import portal

NO_RESULT = "paid_but_no_result"
OURS = ("analysis_failed", "checksum_mismatch", renewal.FAILED, NO_RESULT)  # attention that another run may settle


class CantStopError(ConflictError):
    """Nothing of the order is waiting to be analysed, or being analysed."""


class CantRunError(ConflictError):
    """The order's file can't be analysed once more; the text says why, for staff."""


def cancel(session: Session, order_id: str, actor: str) -> str:
    """Stop an order's analysis; returns its state then: `cancelled`, or `analysing` until its engine has stopped.

    Raises CantStopError.
    """
    order = lock(session, order_id)
    now = portal.clock()
    if order.state == "analysing":
        stop(session, order, actor, now)
    elif move_work(session, order, "cancelled", actor, now):
        call_staff(order)
    else:
        raise CantStopError
    return order.state


def stop(session: Session, order: Order, actor: str, at: datetime) -> None:
    """Ask the engine to stop a running analysis; the order's row must be locked."""
    if order.state == "analysing" and order.cancel_asked_at is None:
        order.cancel_asked_at = at
        record(session, order.id, "analysis.cancel_asked", actor, at)


def call_staff(order: Order) -> None:
    """Mark an order that is paid and has come to nothing."""
    if order.money in PAID:
        order.attention = order.attention or NO_RESULT


def run_again(session: Session, order_id: str, actor: str) -> None:
    """Put an order back into the line: with its result, or because its analysis came to nothing. Raises CantRunError.

    An order that has a result keeps it until the new one is complete.
    """
    order = lock(session, order_id)
    if order.input_gone_at is not None:
        raise CantRunError("its file is deleted")
    if order.scan == "infected":
        raise CantRunError("its file is infected")
    if order.charge == "before_analysis" and order.money not in PAID:
        raise CantRunError("it is not paid, and its product is paid first")
    if renewal.possible(order):
        renewal.begin(session, order)
    else:
        _retry(session, order, actor)
    if order.attention in OURS:
        order.attention = None


def _retry(session: Session, order: Order, actor: str) -> None:
    fresh = {"reason": None, "progress": 0, "cancel_asked_at": None}
    if not move_work(session, order, "retried", actor, portal.clock(), **fresh):
        raise CantRunError(f"it is {order.state}")
    # What has not been looked at is looked at first, and goes on from there.
    job = "analysis.run" if looked_at(order) else "intake.inspect"
    portal.jobs.enqueue(session, job, order.id, key=f"{job}:{order.id}:{new_id()}")
