"""The orders in which the list can be: each has an index, and each place in it can be written into an address."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask_babel import LazyString, lazy_gettext
from sqlalchemy import ColumnElement, literal, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from app.errors import BadInputError
from app.kit.ids import is_uuid
from app.models import Order

_STAMP = "%Y%m%dT%H%M%S.%f"
_MOST_YEN = 2**31


@dataclass(frozen=True)
class Sort:
    """By which columns, the last of which is the OrderID, so that no two orders have the same place."""

    title: LazyString
    columns: tuple[InstrumentedAttribute[Any], ...]
    greatest_first: bool = True

    def place(self, order: Order) -> str:
        """Return an order's place in the list, for an address."""
        return "_".join(_written(getattr(order, column.key)) for column in self.columns)

    def values(self, place: str) -> tuple[Any, ...]:
        """Read a place, a value a column; raises BadInputError for one that is not ours."""
        texts = place.split("_")
        if len(texts) != len(self.columns):
            raise BadInputError
        try:
            return tuple(_READ[column.key](text) for column, text in zip(self.columns, texts, strict=True))
        except ValueError:
            raise BadInputError from None

    def beyond(self, place: str, *, backwards: bool = False) -> ColumnElement[bool]:
        """Return the condition of what comes after a place; raises BadInputError for one that is not ours."""
        values = [literal(value, column.type) for column, value in zip(self.columns, self.values(place), strict=True)]
        here, there = tuple_(*self.columns), tuple_(*values)
        return here < there if self.greatest_first != backwards else here > there


def _written(value: object) -> str:
    return value.astimezone(UTC).strftime(_STAMP) if isinstance(value, datetime) else str(value)


def _moment(text: str) -> datetime:
    return datetime.strptime(text, _STAMP).replace(tzinfo=UTC)


def _yen(text: str) -> int:
    amount = int(text)
    if not 0 <= amount < _MOST_YEN:
        raise ValueError(text)
    return amount


def _order_id(text: str) -> str:
    if not is_uuid(text):
        raise ValueError(text)
    return text


_READ: dict[str, Callable[[str], object]] = {
    "created_at": _moment,
    "paid_at": _moment,
    "price": _yen,
    "id": _order_id,
}

NEWEST = Sort(lazy_gettext("Newest first"), (Order.created_at, Order.id))
SORTS = {
    "oldest": Sort(lazy_gettext("Oldest first"), (Order.created_at, Order.id), greatest_first=False),
    "paid": Sort(lazy_gettext("Paid last first"), (Order.paid_at, Order.id)),
    "dearest": Sort(lazy_gettext("Highest price first"), (Order.price, Order.created_at, Order.id)),
    "cheapest": Sort(lazy_gettext("Lowest price first"), (Order.price, Order.created_at, Order.id), False),
}
"""By the word in the address; none is the newest first."""
