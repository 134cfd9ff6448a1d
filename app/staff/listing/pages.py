"""A page of the list of orders, with its neighbours and about how many there are."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.models import Order
from app.staff.listing.asked import Asked, conditions_of
from app.staff.listing.reading import PAGE, Reader, amount
from app.staff.listing.sorts import NEWEST, SORTS
from app.staff.listing.total import COUNTED, Total, counted, total_of
from app.staff.pieces import Conditions, Words, found
from app.staff.search import meaning


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
    """The orders of a page and one more; by what all of them are counted, or None: they are too many with the words."""

    orders: list[Order]
    conditions: Conditions | None
    words: Words = ()


def _found(session: Session, asked: Asked) -> _Found | None:
    meant = meaning(session, asked.q) if asked.q else None
    if asked.q and meant is None:
        return None
    conditions = conditions_of(asked)
    if isinstance(meant, tuple):
        reader = Reader(session, asked, conditions, meant)
        orders = reader.looked_through()
        return _Found(orders, None) if orders else _Found(reader.by_index(), conditions, meant)
    if meant is not None:
        conditions.append(meant)
    return _Found(Reader(session, asked, conditions).read(), conditions)


def _total(session: Session, asked: Asked, page: _Found) -> Total:
    if page.conditions is None:
        return Total(PAGE, "over")
    conditions = [*page.conditions, *amount(asked)]
    if not page.words:
        return total_of(session, conditions)
    return counted(session, found(session, page.words, conditions, COUNTED + 1))
