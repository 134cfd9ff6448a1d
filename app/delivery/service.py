"""A paid result is put together and opened."""

from typing import Any

from sqlalchemy.orm import Session

from app.delivery.bundle import parts_of, put_together
from app.delivery.keeping import rewrite_record
from app.kit.failpoints import fail_point
from app.kit.ids import new_id
from app.mail.service import queue_mail
from app.models import Order
from app.orders.keeping import last_day
from app.orders.lifecycle import lock, move_work
from app.orders.records import keep
from app.orders.situation import situation
from app.orders.states import PAID
from app.portal import portal

FAILED = "delivery_failed"


def build(order_id: str) -> None:
    """Put the deliverable together and open it; safe to repeat: the same zip, and one call opens it.

    Its manifest is written last: without one, what lies in the object store is no result (AC-W05).
    """
    with portal.database.transaction() as session:
        order = session.get_one(Order, order_id)
    if order.state != "analysed" or order.money not in PAID:
        return
    if order.result_gone_at is not None:  # paid so late that its files were deleted already: the money must go back
        with portal.database.transaction() as session:
            call_staff(session, order_id)
        return
    now = portal.clock()
    facts = {"delivery": put_together(order), "delivered_at": now, "kept_until": last_day(order, now)}
    keep(portal.storage, "delivery", order, **facts)
    fail_point("delivery.after_upload")
    with portal.database.transaction() as session:
        order = session.get_one(Order, order_id)
        if move_work(session, order, "delivered", "worker", portal.clock(), **facts):
            queue_mail(session, "result_open", order)
            if order.attention == FAILED:
                order.attention = None
        fail_point("delivery.before_commit")


def rebuild(order_id: str) -> None:
    """Put the deliverable of a delivered order together anew, in the place of the one that is there; may be repeated.

    Raises NothingToDeliverError, StorageDownError.
    """
    with portal.database.transaction() as session:
        order = session.get_one(Order, order_id)
    if order.state != "delivered" or order.result_gone_at is not None:
        return
    made = put_together(order)
    fail_point("delivery.rebuilt")
    with portal.database.transaction() as session:
        order = lock(session, order_id)
        if order.result_gone_at is None:
            order.delivery = made
            order.attention = None if order.attention == FAILED else order.attention
            rewrite_record(session, order_id)
        else:  # its time was over meanwhile: what this has written goes as well
            portal.jobs.enqueue(session, "privacy.files", order_id, key=f"privacy.files:{order_id}:{new_id()}")


def is_open(order: Order) -> bool:
    """Tell whether the result may be downloaded; the order's payments and refunds must be loaded."""
    return situation(order).key == "open" and order.scan != "infected"


def file_of(order: Order, slug: str) -> dict[str, Any] | None:
    """Return the file of this name of an order's deliverable, or None."""
    return next((file for file in parts_of(order) if file["slug"] == slug), None)


def call_staff(session: Session, order_id: str) -> None:
    """Call for staff: the order is paid and its result could not be put together yet, or not anew."""
    order = session.get_one(Order, order_id)
    if order.state == "analysed" or (order.state == "delivered" and order.result_gone_at is None):
        order.attention = order.attention or FAILED
