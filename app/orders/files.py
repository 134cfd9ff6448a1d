"""What of an order lies in the object store, brought to what its row says is gone."""

from app.kit.failpoints import fail_point
from app.models import Order
from app.orders.jobs import keep_record
from app.portal import portal


def remove_gone(order_id: str) -> None:
    """Delete for good what `input_gone_at` and `result_gone_at` of an order say is gone; safe to stop and repeat.

    The record comes first: from then on a rebuilt ledger knows that the files are gone, and analyses nothing anew. It
    names nobody any more where the row does not; older versions of it are deleted. Raises StorageDownError.
    """
    with portal.database.transaction() as session:
        order = session.get(Order, order_id)
    if order is None or order.input_gone_at is None:
        return
    keep_record(order_id)
    fail_point("privacy.record_written")
    prefixes = [f"orders/{order_id}.kaiseki", f"incoming/{order_id}/"]
    if order.result_gone_at is not None:
        prefixes += [f"previews/{order_id}/", f"results/{order_id}/"]
    for prefix in prefixes:
        portal.storage.purge(prefix)
        fail_point("privacy.files_removed")
    if order.erased_at is not None:
        portal.storage.purge(f"orders/{order_id}.json", only_old=True)


def remove_all(order_id: str) -> None:
    """Delete everything of an order that the ledger is about to forget."""
    for prefix in (f"orders/{order_id}.", f"incoming/{order_id}/", f"previews/{order_id}/", f"results/{order_id}/"):
        portal.storage.purge(prefix)
