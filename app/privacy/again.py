"""People who asked to be forgotten, and came back with a backup of the database: forgotten once more.

The records in the object store know it (`erased_at`); a database restored from a backup that is older does not.
"""

from datetime import datetime

from app.models import Erasure, Order
from app.orders.records import recall
from app.portal import portal
from app.privacy.wish import begin, orders_of


def forget_again() -> int:
    """Make every order nameless whose record is; returns how many people that were. May be repeated.

    Raises BadRecordError, StorageDownError.
    """
    people = 0
    for key, _ in portal.storage.list("orders/"):
        order_id, _, ending = key.removeprefix("orders/").partition(".")
        with portal.database.transaction() as session:
            order = session.get(Order, order_id) if ending == "json" else None
        if order is None or order.erased_at is not None:
            continue
        known = recall(portal.storage, order_id)
        if known.get("erased_at"):
            people += 1
            _forget(order.email, known["email"], known["erased_at"])
    return people


def _forget(email: str, pseudonym: str, asked_at: datetime) -> None:
    with portal.database.transaction() as session:
        before = [order for order in orders_of(session, email) if order.created_at <= asked_at]
        begin(session, email, before, Erasure(pseudonym=pseudonym, asked_at=asked_at))
