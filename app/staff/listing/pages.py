"""A page of the list of orders.

Whatever is asked for, little is read: each filter and each sort has an index, pages begin at a place and not at a
number, and a search reads its index of pieces only after the newest orders have not filled the page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Exists, Select, func, select, union_all
from sqlalchemy.orm import Session, load_only
from sqlalchemy.orm.interfaces import ORMOption

from app.models import Order
from app.staff.listing.asked import Asked, conditions_of, yen
from app.staff.listing.sorts import NEWEST, SORTS, Sort
from app.staff.listing.total import Total, total_of
from app.staff.search import MOST_HITS, Words, contains, hits, meaning

PAGE = 50
LOOKED_THROUGH = 2000
"""So many orders are looked through for a searched word before the index of pieces is read."""
MOST_PRICES = 100
Conditions = list[ColumnElement[bool]]

SHOWN = (
    Order.created_at, Order.product, Order.email, Order.filename, Order.price,
    Order.state, Order.money, Order.method, Order.attention, Order.paid_at,
)  # fmt: skip
_SHOWN_ONLY = (load_only(*SHOWN, raiseload=True),)


@dataclass(frozen=True)
class Page:
    """A page of orders, and the places where its neighbours begin (empty: there is none).

    `understood` is False where the search text is nothing that can be searched for.
    """

    orders: Sequence[Order]
    newer: str = ""
    older: str = ""
    total: Total | None = None
    understood: bool = True


def page_of(session: Session, asked: Asked) -> Page:
    """Return a page of orders, and how many there are about; raises BadInputError for a place that is not ours."""
    found = _found(session, asked)
    if found is None:
        return Page([], understood=False)
    sort = SORTS.get(asked.sort, NEWEST)
    more, orders = len(found.orders) > PAGE, found.orders[:PAGE]
    if asked.before:
        orders.reverse()
    newer = more if asked.before else bool(asked.after and orders)
    older = bool(asked.before and orders) or more
    return Page(
        orders,
        newer=sort.place(orders[0]) if newer else "",
        older=sort.place(orders[-1]) if older else "",
        total=_total(session, asked, found) if newer or older else Total(len(orders)),
    )


@dataclass(frozen=True)
class _Found:
    """The orders of a page and one more, with all conditions; `countable` where an index has all these orders."""

    orders: list[Order]
    conditions: Conditions
    countable: bool = True


def _found(session: Session, asked: Asked) -> _Found | None:
    meant = meaning(session, asked.q) if asked.q else None
    if asked.q and meant is None:
        return None
    conditions = conditions_of(asked)
    if isinstance(meant, tuple):
        orders = read(session, asked, conditions, among=meant)
        if len(orders) > PAGE:
            return _Found(orders, conditions, countable=False)
        meant = by_index(session, meant)
    if meant is not None:
        conditions.append(meant)
    return _Found(read(session, asked, conditions), conditions, countable=not isinstance(meant, Exists))


def _total(session: Session, asked: Asked, found: _Found) -> Total:
    return total_of(session, [*found.conditions, *_amount(asked)]) if found.countable else Total(PAGE, "over")


def by_index(session: Session, words: Words) -> ColumnElement[bool]:
    """Return the condition of the orders that the index of pieces finds, unless they are too many for a list."""
    found = hits(session, words)
    return Order.id.in_(found) if len(found) <= MOST_HITS else contains(words)


def read(
    session: Session,
    asked: Asked,
    conditions: Conditions,
    size: int = PAGE,
    *,
    among: Words = (),
    options: Sequence[ORMOption] = _SHOWN_ONLY,
) -> list[Order]:
    """Read one order more than `size` away from the place, `before` it backwards.

    `among`: only those that hold these words, of the first LOOKED_THROUGH.
    """
    sort, backwards = SORTS.get(asked.sort, NEWEST), bool(asked.before)
    place = asked.before or asked.after
    if place:
        conditions = [*conditions, sort.beyond(place, backwards=backwards)]
    first = _first(session, asked, sort, conditions, LOOKED_THROUGH if among else size + 1).subquery()
    query = (
        select(Order)
        .join(first, Order.id == first.c.id)
        .where(*[contains(among)] if among else [])
        .order_by(*sort.ordered(backwards=backwards))
        .limit(size + 1)
        .options(*options)
    )
    return list(session.scalars(query))


def _first(session: Session, asked: Asked, sort: Sort, conditions: Conditions, count: int) -> Select[Any]:
    """Select the ids of the first orders in the sort's order.

    With an amount, orders of each price are taken for themselves: prices are few, and so each is read from its index
    in the right order, however rare or long ago it is.
    """
    order_by = sort.ordered(backwards=bool(asked.before))
    prices = None if sort.columns[0] is Order.price else _prices(session, asked)
    if not prices:
        return select(*sort.columns).where(*conditions, *_amount(asked)).order_by(*order_by).limit(count)
    each = [
        select(
            select(*sort.columns).where(*conditions, Order.price == price).order_by(*order_by).limit(count).subquery()
        )
        for price in prices
    ]
    together = union_all(*each).subquery()
    places = [together.c[column.key] for column in sort.columns]
    falling = sort.greatest_first != bool(asked.before)
    return select(together).order_by(*(place.desc() if falling else place.asc() for place in places)).limit(count)


def _amount(asked: Asked) -> Conditions:
    least = [Order.price >= yen(asked.least)] if asked.least else []
    return [*least, *([Order.price <= yen(asked.most)] if asked.most else [])]


def _prices(session: Session, asked: Asked) -> list[int]:
    """Return the prices in the asked range by hopping through their index; empty: no range, or too many."""
    amount = _amount(asked)
    if not amount:
        return []
    hop = select(func.min(Order.price).label("price")).where(*amount).cte("hop", recursive=True)
    following = select(func.min(Order.price)).where(*amount, Order.price > hop.c.price).scalar_subquery()
    hop = hop.union_all(select(following).where(hop.c.price.is_not(None)))
    prices = session.scalars(select(hop.c.price).where(hop.c.price.is_not(None)).limit(MOST_PRICES + 1)).all()
    return list(prices) if len(prices) <= MOST_PRICES else []
