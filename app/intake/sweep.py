"""The third road: what the browser did not say and no event told of is found in the object store and the ledger."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import islice

from sqlalchemy import Select, and_, or_, select

from app.intake.grants import incoming_key, order_id_of
from app.intake.inspection import UNSCANNED
from app.intake.service import parts_are_there
from app.models import Order
from app.portal import portal

BATCH = 500
# A file that is being sent or looked at now is left to who does so.
PATIENCE = timedelta(minutes=10)


def find_arrived(moment: str) -> int:
    """Have every upload confirmed whose file lies in the object store while its order waits; returns how many."""
    keys = (key for key, _ in portal.storage.list("incoming/") if order_id_of(key))
    total = 0
    while batch := list(islice(keys, BATCH)):
        with portal.database.transaction() as session:
            named = {order_id_of(key) for key in batch}
            waiting = select(Order).where(Order.id.in_(named), Order.state == "waiting")
            arrived = [order for order in session.scalars(waiting) if incoming_key(order) in batch]
            for order in arrived:
                portal.jobs.enqueue(session, "intake.confirm", order.id, key=f"intake.confirm:{order.id}:{moment}")
            total += len(arrived)
    return total


def find_complete(moment: str) -> int:
    """Have every upload completed and confirmed whose parts have all arrived, and whose browser went silent."""
    total = 0
    for waiting in _batches(select(Order).where(Order.state == "waiting", Order.upload_id.is_not(None))):
        arrived = [order for order in waiting if parts_are_there(order, portal.clock() - PATIENCE)]
        with portal.database.transaction() as session:
            for order in arrived:
                portal.jobs.enqueue(session, "intake.confirm", order.id, key=f"intake.confirm:{order.id}:{moment}")
        total += len(arrived)
    return total


def find_unseen(moment: str) -> int:
    """Have files looked at once more that no look came to an end with, or that the scanner was silent about."""
    waits = Order.attention == UNSCANNED  # the scanner that could not read it was taken away
    if portal.catalog.uploads.scan != "none":  # let through when there was none
        waits = Order.attention.is_distinct_from(UNSCANNED)
    unseen = or_(Order.scan.is_(None), and_(Order.scan == "unscanned", waits))
    late = Order.uploaded_at < portal.clock() - PATIENCE
    total = 0
    for orders in _batches(select(Order).where(Order.state == "uploaded", late, unseen, Order.input_gone_at.is_(None))):
        with portal.database.transaction() as session:
            for order in orders:
                portal.jobs.enqueue(session, "intake.inspect", order.id, key=f"intake.inspect:{order.id}:{moment}")
        total += len(orders)
    return total


def _batches(query: Select[Order]) -> Iterator[Sequence[Order]]:
    """Yield all orders that a query finds, some at a time: those that go on waiting don't hide the ones behind them."""
    last = ""
    while True:
        with portal.database.transaction() as session:
            found = session.scalars(query.where(Order.id > last).order_by(Order.id).limit(BATCH)).all()
        if not found:
            return
        yield found
        last = found[-1].id
