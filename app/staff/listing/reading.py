"""Reading orders as they are asked for, a page or a part of an export at a time.

Whatever is asked for, little is read: each filter and each sort has an index, pages begin at a place and not at a
number, and a search reads its index of pieces only after the first orders of the list have not filled the page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, false, func, select, union_all
from sqlalchemy.orm import Session, load_only
from sqlalchemy.orm.interfaces import ORMOption

from app.models import Order
from app.staff.listing.asked import Asked, yen
from app.staff.listing.sorts import NEWEST, SORTS, Sort
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


@dataclass(frozen=True)
class Reader:
    """Reads the orders of a list: `size` and one more, away from the asked place (`before` it backwards)."""

    session: Session
    asked: Asked
    conditions: Conditions
    words: Words = ()
    size: int = PAGE
    options: Sequence[ORMOption] = (load_only(*SHOWN, raiseload=True),)

    def read(self) -> list[Order]:
        """Read orders in the way that costs least."""
        if not self.words:
            return self._orders(self._first([*self.conditions, *self._beyond], self.size + 1))
        return self.looked_through() or self.by_index()

    def looked_through(self) -> list[Order]:
        """Read those of the first orders that hold the words, or none where they are no page and one more."""
        first = self._first([*self.conditions, *self._beyond], LOOKED_THROUGH * self.size)
        orders = self._orders(first, contains(self.words))
        return orders if len(orders) > self.size else []

    def by_index(self) -> list[Order]:
        """Read orders that hold the words by the index of pieces."""
        return self._orders(self._holding(self.size + 1))

    def _orders(self, first: Select[Any], *more: ColumnElement[bool]) -> list[Order]:
        ids = first.subquery()
        query = select(Order).join(ids, Order.id == ids.c.id).where(*more).order_by(*self._ordered())
        return list(self.session.scalars(query.limit(self.size + 1).options(*self.options)))

    def _holding(self, count: int) -> Select[Any]:
        """Select the ids of the first orders that hold the words, by the index of pieces.

        It knows them by their time. For another sort it gives them all, unless they are so many that they are met
        soon.
        """
        conditions = [*self.conditions, *amount(self.asked)]
        if self._sort.columns[0] is Order.created_at:
            after = self._sort.values(self._place) if self._place else None
            return found(self.session, self.words, conditions, count, newest_first=self._falling, after=after)
        all_of_them = found(self.session, self.words, conditions, MOST_HITS + 1)
        if (self.session.scalar(select(func.count()).select_from(all_of_them.subquery())) or 0) > MOST_HITS:
            return self._first([*conditions, *self._beyond, contains(self.words)], count)
        ids = all_of_them.subquery()
        columns = self._sort.columns
        # OFFSET 0: these orders first, and not all orders in this order.
        known = select(*columns).join(ids, Order.id == ids.c.id).where(*self._beyond).offset(0).subquery()
        return select(known).order_by(*self._ordered(known)).limit(count)

    def _first(self, conditions: Conditions, count: int) -> Select[Any]:
        """Select the ids of the first orders in the sort's order.

        With an amount, orders of each price are taken for themselves: prices are few, and so each is read from its
        index in the right order, however rare or long ago it is.
        """
        columns, order_by = self._sort.columns, self._ordered()
        prices = None if columns[0] is Order.price else _prices(self.session, self.asked)
        if prices is None:
            return select(*columns).where(*conditions, *amount(self.asked)).order_by(*order_by).limit(count)
        if not prices:
            return select(*columns).where(false())
        of_all = select(*columns).where(*conditions).order_by(*order_by).limit(count)
        each = [select(of_all.where(Order.price == price).subquery()) for price in prices]
        together = union_all(*each).subquery()
        return select(together).order_by(*self._ordered(together)).limit(count)

    def _ordered(self, known: Subquery | None = None) -> list[ColumnElement[Any]]:
        """Return what to order by: columns of orders, or of a query that has the same."""
        columns = self._sort.columns
        places = columns if known is None else [known.c[column.key] for column in columns]
        return [place.desc() if self._falling else place.asc() for place in places]

    @property
    def _sort(self) -> Sort:
        return SORTS.get(self.asked.sort, NEWEST)

    @property
    def _place(self) -> str:
        return self.asked.before or self.asked.after

    @property
    def _beyond(self) -> Conditions:
        return [self._sort.beyond(self._place, backwards=bool(self.asked.before))] if self._place else []

    @property
    def _falling(self) -> bool:
        return self._sort.greatest_first != bool(self.asked.before)


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
