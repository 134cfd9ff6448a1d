"""The list of orders as a CSV file: read and sent a thousand orders at a time, so that its length does not matter."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace

import structlog
from sqlalchemy.orm import load_only, selectinload

from app.models import Order, Payment
from app.portal import portal
from app.staff.listing.asked import Asked, conditions_of
from app.staff.listing.columns import COLUMNS, cell
from app.staff.listing.reading import SHOWN, Reader
from app.staff.listing.sorts import NEWEST, SORTS
from app.staff.pieces import Conditions, Words
from app.staff.search import meaning

AT_ONCE = 1000
BOM = "\ufeff"  # without it Excel does not read UTF-8
_NEEDED = (
    load_only(*SHOWN, Order.size, Order.delivered_at, Order.kept_until, raiseload=True),
    selectinload(Order.payments).load_only(
        Payment.order_id, Payment.created_at, Payment.amount, Payment.amount_refunded,
        Payment.session_id, Payment.payment_intent_id, Payment.customer_id, raiseload=True,
    ),
)  # fmt: skip

log = structlog.get_logger()


def lines_of(asked: Asked, chosen: Sequence[str], order_ids: Sequence[str] = ()) -> Iterator[str]:
    """Yield the file, with headings in the language of the page; the orders are those of the list, in its order.

    `order_ids`: only these, whatever else is asked for. Must run inside the request's context, which gives the
    language. Each part is a transaction of its own: what changes meanwhile is in the file or not, no order twice.
    """
    columns = [COLUMNS[name] for name in chosen]
    yield BOM + _csv([[cell(column.title) for column in columns]])
    sort, rows = SORTS.get(asked.sort, NEWEST), 0
    wanted = _wanted(asked, order_ids)
    while wanted is not None:
        with portal.database.transaction() as session:
            orders = Reader(session, asked, *wanted, AT_ONCE, _NEEDED).read()
            text = _csv([[cell(column.value(order)) for column in columns] for order in orders[:AT_ONCE]])
        rows += len(orders[:AT_ONCE])
        yield text
        if len(orders) <= AT_ONCE:
            break
        asked = replace(asked, after=sort.place(orders[AT_ONCE - 1]))
    log.info("orders.exported", rows=rows)


def _wanted(asked: Asked, order_ids: Sequence[str]) -> tuple[Conditions, Words] | None:
    """Return what the orders must be and hold; None: the search text is nothing that can be searched for."""
    if order_ids:
        return [Order.id.in_(order_ids)], ()
    conditions = conditions_of(asked)
    if not asked.q:
        return conditions, ()
    with portal.database.transaction() as session:
        meant = meaning(session, asked.q)
    if meant is None:
        return None
    return (conditions, meant) if isinstance(meant, tuple) else ([*conditions, meant], ())


def _csv(rows: Sequence[Sequence[str | int]]) -> str:
    """Write rows after RFC 4180: quotes doubled, lines ended by CR LF."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
