"""Reading orders as they are asked for, a page or a part of an export at a time.

Whatever is asked for, little is read: each filter and each sort has an index, pages begin at a place and not at a
number, and a search reads its index of pieces only after the first orders of the list have not filled the page.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, false, func, select, union_all
from sqlalchemy.orm import Session, load_only
from sqlalchemy.orm.interfaces import ORMOption

from app.models import Order
from app.staff.listing.asked import Asked, yen
from app.staff.listing.sorts import NEWEST, SORTS
from app.staff.pieces import Conditions, Words, contains, found

PAGE = 50
LOOKED_THROUGH = 20
"""For each order of a page so many are looked through for searched words before the index of pieces is read."""
MOST_HITS = 50_000
"""More orders with the words than these are not sorted, but looked for in the order of the sort."""
MOST_PRICES = 100

SHOWN = (
    Order.created_at, Order.product, Order.email, Order.filename, Order.price,
    Order.state, Order.money, Order.method, Order.attention, Order.paid_at,
)  # fmt: skip
_SHOWN_ONLY = (load_only(*SHOWN, raiseload=True),)


def read(
    session: Session,
    asked: Asked,
    conditions: Conditions,
    size: int = PAGE,
    options: Sequence[ORMOption] = _SHOWN_ONLY,
) -> list[Order]:
    """Read one order more than `size` away from the place, `before` it backwards."""
    return _orders(session, asked, _first(session, asked, [*conditions, *_beyond(asked)], size + 1), size, options)


def looked_through(
    session: Session,
    asked: Asked,
    conditions: Conditions,
    words: Words,
    size: int = PAGE,
    options: Sequence[ORMOption] = _SHOWN_ONLY,
) -> list[Order]:
    """Read those of the first orders that hold the words: a page and one more, or none where they are not so many."""
    first = _first(session, asked, [*conditions, *_beyond(asked)], LOOKED_THROUGH * size)
    orders = _orders(session, asked, first, size, options, contains(words))
    return orders if len(orders) > size else []


def by_index(
    session: Session,
    asked: Asked,
    conditions: Conditions,
    words: Words,
    size: int = PAGE,
    options: Sequence[ORMOption] = _SHOWN_ONLY,
) -> list[Order]:
    """Read orders that hold the words by the index of pieces."""
    return _orders(session, asked, _holding(session, asked, words, conditions, size + 1), size, options)


def _orders(
    session: Session,
    asked: Asked,
    first: Select[Any],
    size: int,
    options: Sequence[ORMOption],
    *more: ColumnElement[bool],
) -> list[Order]:
    ids = first.subquery()
    query = select(Order).join(ids, Order.id == ids.c.id).where(*more).order_by(*_ordered(asked))
    return list(session.scalars(query.limit(size + 1).options(*options)))


def _holding(session: Session, asked: Asked, words: Words, conditions: Conditions, count: int) -> Select[Any]:
    """Select the ids of the first orders that hold the words, by the index of pieces.

    It knows them by their time. For another sort it gives them all, unless they are so many that they are met soon.
    """
    sort = SORTS.get(asked.sort, NEWEST)
    place = asked.before or asked.after
    conditions = [*conditions, *amount(asked)]
    if sort.columns[0] is Order.created_at:
        after = sort.values(place) if place else None
        return found(session, words, conditions, count, newest_first=_falling(asked), after=after)
    all_of_them = found(session, words, conditions, MOST_HITS + 1)
    if (session.scalar(select(func.count()).select_from(all_of_them.subquery())) or 0) > MOST_HITS:
        return _first(session, asked, [*conditions, *_beyond(asked), contains(words)], count)
    ids = all_of_them.subquery()
    # OFFSET 0: these orders first, and not all orders in this order.
    known = select(*sort.columns).join(ids, Order.id == ids.c.id).where(*_beyond(asked)).offset(0).subquery()
    return select(known).order_by(*_ordered(asked, known)).limit(count)


def _beyond(asked: Asked) -> Conditions:
    place = asked.before or asked.after
    return [SORTS.get(asked.sort, NEWEST).beyond(place, backwards=bool(asked.before))] if place else []


def _falling(asked: Asked) -> bool:
    return SORTS.get(asked.sort, NEWEST).greatest_first != bool(asked.before)


def _ordered(asked: Asked, known: Subquery | None = None) -> list[ColumnElement[Any]]:
    """Return what to order by: columns of orders, or of a query that has the same."""
    columns = SORTS.get(asked.sort, NEWEST).columns
    places = columns if known is None else [known.c[column.key] for column in columns]
    return [place.desc() if _falling(asked) else place.asc() for place in places]


def _first(session: Session, asked: Asked, conditions: Conditions, count: int) -> Select[Any]:
    """Select the ids of the first orders in the sort's order.

    With an amount, orders of each price are taken for themselves: prices are few, and so each is read from its index
    in the right order, however rare or long ago it is.
    """
    sort, order_by = SORTS.get(asked.sort, NEWEST), _ordered(asked)
    prices = None if sort.columns[0] is Order.price else _prices(session, asked)
    if prices is None:
        return select(*sort.columns).where(*conditions, *amount(asked)).order_by(*order_by).limit(count)
    if not prices:
        return select(*sort.columns).where(false())
    each = [
        select(
            select(*sort.columns).where(*conditions, Order.price == price).order_by(*order_by).limit(count).subquery()
        )
        for price in prices
    ]
    together = union_all(*each).subquery()
    return select(together).order_by(*_ordered(asked, together)).limit(count)


def amount(asked: Asked) -> Conditions:
    """Return the conditions of the amount."""
    least = [Order.price >= yen(asked.least)] if asked.least else []
    return [*least, *([Order.price <= yen(asked.most)] if asked.most else [])]


def _prices(session: Session, asked: Asked) -> list[int] | None:
    """Return the prices in the asked range by hopping through their index; None: no range, or too many."""
    inside = amount(asked)
    if not inside:
        return None
    hop = select(func.min(Order.price).label("price")).where(*inside).cte("hop", recursive=True)
    following = select(func.min(Order.price)).where(*inside, Order.price > hop.c.price).scalar_subquery()
    hop = hop.union_all(select(following).where(hop.c.price.is_not(None)))
    prices = session.scalars(select(hop.c.price).where(hop.c.price.is_not(None)).limit(MOST_PRICES + 1)).all()
    return list(prices) if len(prices) <= MOST_PRICES else None
