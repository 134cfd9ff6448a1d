"""What the list of the back office reads: a page of orders; and ending a customer's logins."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Tuple, exists, literal, select, tuple_
from sqlalchemy.orm import Session, load_only, selectinload

from app.errors import BadInputError
from app.login.sessions import end_all_sessions
from app.models import Order, Payment
from app.models.base import UtcDateTime
from app.orders.lifecycle import record
from app.orders.states import MONEY, WORK
from app.staff.search import condition

PAGE = 50
STATES = tuple(WORK)
MONEYS = tuple(MONEY)
_CURSOR = re.compile(r"(\d{8}T\d{6}\.\d{6})_([0-9a-f-]{36})")
_STAMP = "%Y%m%dT%H%M%S.%f"


@dataclass(frozen=True)
class Asked:
    """What the address of the list asks for; an empty text is no filter."""

    q: str = ""
    state: str = ""
    money: str = ""
    method: str = ""
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class Page:
    """A page of orders, newest first, and the cursors of its neighbours (empty: there is none).

    `understood` is False where the search text is nothing that can be searched for.
    """

    orders: list[Order]
    newer: str = ""
    older: str = ""
    understood: bool = True


def page_of(session: Session, asked: Asked) -> Page:
    """Return a page of orders; raises BadInputError for a cursor that is not one of ours."""
    conditions = _filters(asked)
    if asked.q.strip():
        meaning = condition(session, asked.q)
        if meaning is None:
            return Page([], understood=False)
        conditions.append(meaning)
    found = _read(session, asked, conditions)
    more, found = len(found) > PAGE, found[:PAGE]
    if asked.before:
        found.reverse()
    if not found:
        return Page([])
    newer = more if asked.before else bool(asked.after)
    older = bool(asked.before) or more
    return Page(found, newer=cursor(found[0]) if newer else "", older=cursor(found[-1]) if older else "")


def _filters(asked: Asked) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if asked.state:
        conditions.append(Order.state == asked.state)
    if asked.money:
        conditions.append(Order.money == asked.money)
    if asked.method:
        conditions.append(exists().where(Payment.order_id == Order.id, Payment.method == asked.method))
    return conditions


def _read(session: Session, asked: Asked, conditions: list[ColumnElement[bool]]) -> list[Order]:
    """Read one order more than a page, away from the cursor: `after` to older, `before` to newer ones."""
    place = tuple_(Order.created_at, Order.id)
    order_by: list[ColumnElement[Any]] = [Order.created_at.desc(), Order.id.desc()]
    if asked.before:
        conditions.append(place > _cursor(asked.before))
        order_by = [Order.created_at.asc(), Order.id.asc()]
    elif asked.after:
        conditions.append(place < _cursor(asked.after))
    columns = (
        Order.created_at, Order.product, Order.email, Order.filename,
        Order.price, Order.state, Order.money, Order.attention,
    )  # fmt: skip
    query = (
        select(Order)
        .where(*conditions)
        .order_by(*order_by)
        .limit(PAGE + 1)
        .options(load_only(*columns, raiseload=True), selectinload(Order.payments))
    )
    return list(session.scalars(query))


def cursor(order: Order) -> str:
    """Return the place of an order in the list, newest first."""
    return f"{order.created_at.astimezone(UTC).strftime(_STAMP)}_{order.id}"


def _cursor(text: str) -> Tuple:
    parts = _CURSOR.fullmatch(text)
    if parts is None:
        raise BadInputError
    try:
        at = datetime.strptime(parts[1], _STAMP).replace(tzinfo=UTC)
    except ValueError:
        raise BadInputError from None
    return tuple_(literal(at, UtcDateTime()), literal(parts[2]))


def end_customers_sessions(session: Session, order: Order, by: str, now: datetime) -> int:
    """End every login of the order's address and say so in the order's audit; `by`: the staff member's address."""
    ended = end_all_sessions(session, order.email, now)
    record(session, order.id, "staff.sessions_ended", f"staff:{by}", now, count=ended)
    return ended
