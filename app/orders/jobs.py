"""The job that writes an order's record in the object store anew: another owner, a later last day, a bank transfer."""

from app.jobs import job, step
from app.models import Order
from app.orders.owners import former_addresses
from app.orders.records import keep
from app.orders.transfers import transfers_of
from app.portal import portal


@job("orders.record")
def rewrite(order_id: str) -> None:
    """Write the objects of one order; an outage of the object store is waited for, about ten minutes each."""
    step(lambda: keep_record(order_id), name="keep", attempts=10)
    step(lambda: keep_manifest(order_id), name="manifest", attempts=10)


def keep_record(order_id: str) -> None:
    """Write `orders/<OrderID>.json` as the ledger has it; an order without a file has none.

    The order may change meanwhile, and another worker be faster: what was written last is looked at once more.
    """
    written = None
    while True:
        with portal.database.transaction() as session:
            order = session.get_one(Order, order_id)
            former = former_addresses(session, order.email)
            transfers = transfers_of(session, order_id)
        gone = (order.input_gone_at, order.result_gone_at, order.erased_at)
        known = (order.email, order.proved_at, former, transfers, gone)
        if known == written or order.uploaded_at is None:
            return
        part = "order" if order.result_gone_at is None else "closed"
        keep(portal.storage, part, order, former=former, transfers=transfers)
        written = known


def keep_manifest(order_id: str) -> None:
    """Write the manifest of a result as the ledger has it; likewise until nothing changes."""
    written = None
    while True:
        with portal.database.transaction() as session:
            order = session.get_one(Order, order_id)
        known = (order.kept_until, order.downloads_closed_at, order.delivery)
        if known == written or order.state != "delivered" or order.result_gone_at is not None:
            return
        keep(portal.storage, "delivery", order)
        written = known
