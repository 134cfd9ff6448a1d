"""The object store beside the ledger: both are read in the order of OrderIDs, a range at a time."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from operator import itemgetter

from sqlalchemy import select

from app.delivery.bundle import NothingToDeliverError, parts_of, put_together
from app.gateways.storage import NoSuchObjectError
from app.intake.service import take_in
from app.models import Order
from app.orders.files import remove_gone
from app.orders.jobs import keep_record
from app.orders.records import BadRecordError, keep, key_of, recall
from app.portal import portal
from app.recovery.report import Report, find
from app.recovery.restore import complete, insert_order

KEY = re.compile(r"[a-z]+/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})[./](.+)")
RANGE = 500  # orders
ENDED = ("analysed", "delivered", "rejected", "failed", "cancelled")


@dataclass(frozen=True)
class Seen:
    """One OrderID: the names of its objects under a prefix, and its row; either may be missing."""

    order_id: str
    names: frozenset[str]
    order: Order | None


def compare_orders(report: Report) -> None:
    """Compare frozen files and their records; an order that only the object store knows is restored.

    This comes before Stripe is compared, for a payment needs its order.
    """
    for seen in walk("orders/"):
        report.looked["order"] += 1
        try:
            _order(seen, report)
        except (BadRecordError, NoSuchObjectError) as error:
            find("record_unreadable", seen.order_id, why=str(error))


def _order(seen: Seen, report: Report) -> None:
    order, has_record = seen.order, "json" in seen.names
    if order is None:
        if has_record:
            restore_order(seen.order_id)
            report.mend("order", seen.order_id)
        else:
            find("input_without_order", seen.order_id)
    elif order.state == "waiting" and has_record:
        columns = recall(portal.storage, order.id)
        take_in(order.id, {name: columns[name] for name in ("size", "sha256", "uploaded_at")})
        report.mend("upload", order.id)
    elif order.uploaded_at is not None and not has_record:
        keep_record(order.id)
        report.mend("record", key_of("order", order.id))
    if order is not None and order.input_gone_at is not None:
        if "kaiseki" in seen.names:
            _left_over(order, report)
        return
    waits = order is not None and order.state in {"uploaded", "analysing"}
    if order is not None and waits and "kaiseki" not in seen.names and _gone(f"orders/{order.id}.kaiseki"):
        find("input_missing", order.id, order.id)


def restore_order(order_id: str) -> None:
    """Insert an order from the object store; what Stripe knows of it is settled afterwards."""
    columns = recall(portal.storage, order_id)
    with portal.database.transaction() as session:
        if insert_order(session, order_id, columns):
            complete(session, session.get_one(Order, order_id), [])


def compare_results(report: Report) -> None:
    """Compare previews and results with what the ledger says of work and money; this comes after Stripe."""
    for prefix, check in (("previews/", _preview), ("results/", _result)):
        for seen in walk(prefix):
            check(seen, report)


def _preview(seen: Seen, report: Report) -> None:
    order = seen.order
    if order is not None and order.result_gone_at is not None:
        return
    if order is not None and order.state in ENDED and "analysis.json" not in seen.names:
        ended = "analysed" if order.state == "delivered" else order.state
        keep(portal.storage, "analysis", order, state=ended)
        report.mend("record", key_of("analysis", order.id))


def _result(seen: Seen, report: Report) -> None:
    order = seen.order
    if order is None:
        find("result_without_order", seen.order_id)
    elif order.result_gone_at is not None:
        if seen.names:
            _left_over(order, report)
        return
    elif order.state == "analysed" and not any(name.startswith("run/") for name in seen.names):
        if _gone(f"results/{order.id}/run/"):
            find("result_missing", order.id, order.id)
    elif order.state == "delivered":
        _delivered(seen, order, report)
    if order is not None and order.money == "unpaid" and "manifest.json" in seen.names:
        find("result_unpaid", order.id, order.id)


def _delivered(seen: Seen, order: Order, report: Report) -> None:
    prefix = f"results/{order.id}/"
    if any(part["key"].removeprefix(prefix) not in seen.names for part in parts_of(order)):
        try:
            order.delivery = put_together(order)  # another zlib may have made other bytes of it
        except (NothingToDeliverError, NoSuchObjectError):
            find("deliverable_missing", order.id, order.id)
            return
        with portal.database.transaction() as session:
            session.get_one(Order, order.id).delivery = order.delivery
        keep(portal.storage, "delivery", order)
        report.mend("deliverable", order.id)
    if "manifest.json" not in seen.names:
        keep(portal.storage, "delivery", order)
        report.mend("record", key_of("delivery", order.id))


def _left_over(order: Order, report: Report) -> None:
    """Delete once more what the row says is deleted: a job that was at work then may have written it since."""
    remove_gone(order.id)
    report.mend("left over", order.id)


def _gone(prefix: str) -> bool:
    """Look once more: the row is younger than the listing, so its object may be as well."""
    return next(portal.storage.list(prefix), None) is None


def walk(prefix: str) -> Iterator[Seen]:
    """Yield every OrderID that has objects under a prefix or a row, in its order, without holding them all."""
    found = (match.groups() for key, _ in portal.storage.list(prefix) if (match := KEY.fullmatch(key)))
    groups = ((order_id, frozenset(name for _, name in names)) for order_id, names in groupby(found, itemgetter(0)))
    behind = ""
    while batch := dict(islice(groups, RANGE)):
        last = max(batch)
        rows = {order.id: order for order in _rows(behind, last)}
        for order_id in sorted(batch.keys() | rows.keys()):
            yield Seen(order_id, batch.get(order_id, frozenset()), rows.get(order_id))
        behind = last
    while rest := _rows(behind, None):
        yield from (Seen(order.id, frozenset(), order) for order in rest)
        behind = rest[-1].id


def _rows(behind: str, last: str | None) -> list[Order]:
    query = select(Order).where(Order.id > behind).order_by(Order.id)
    query = query.where(Order.id <= last) if last is not None else query.limit(RANGE)
    with portal.database.transaction() as session:
        return list(session.scalars(query))
