"""What the address of the list of orders asks for: search, filters, sort, place. Nothing else is read (AC-S07)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement

from app.errors import BadInputError
from app.kit.clock import JST
from app.models import Order
from app.orders.states import MONEY, WORK
from app.staff.listing.sorts import SORTS
from app.staff.words import methods, products

LONGEST_SEARCH = 300  # characters
_YEN = re.compile(r"[0-9]{1,9}")
_YEARS = range(2000, 2200)


@dataclass(frozen=True)
class Asked:
    """What is asked for; an empty text is no filter, and the newest first.

    `since` and `until` are days in Japan (YYYY-MM-DD), both included; `least` and `most` are yen.
    `before` and `after` are places in the list (see `app.staff.listing.sorts`).
    """

    q: str = ""
    state: str = ""
    money: str = ""
    method: str = ""
    product: str = ""
    since: str = ""
    until: str = ""
    least: str = ""
    most: str = ""
    attention: str = ""
    sort: str = ""
    before: str = ""
    after: str = ""

    @property
    def kept(self) -> dict[str, str]:
        """Return what the neighbouring pages, a saved view and an export ask for as well: all but the place."""
        values = {name: value for name, value in vars(self).items() if value}
        return {name: value for name, value in values.items() if name not in {"before", "after"}}

    @property
    def filtered(self) -> bool:
        """Tell whether some orders are left out."""
        return bool(self.kept.keys() - {"sort"})


def read(values: Mapping[str, str]) -> Asked:
    """Read the known parameters and no others; raises BadInputError for a value they can't have."""
    asked = Asked(**{field.name: values.get(field.name, "").strip() for field in fields(Asked)})
    for name, check in _CHECKS.items():
        value = getattr(asked, name)
        try:
            known = not value or check(value)
        except (ValueError, OverflowError):
            known = False
        if not known:
            raise BadInputError(field=name)
    return asked


def conditions_of(asked: Asked) -> list[ColumnElement[bool]]:
    """Return the conditions of sort and filters but that of the amount and of the search."""
    there = [Order.paid_at.is_not(None)] if asked.sort == "paid" else []
    return [
        *there,
        *(condition(getattr(asked, name)) for name, condition in _CONDITIONS.items() if getattr(asked, name)),
    ]


def yen(text: str) -> int:
    """Read an amount; raises ValueError."""
    if not _YEN.fullmatch(text):
        raise ValueError(text)
    return int(text)


def _day(text: str) -> datetime:
    """Return the first moment of a day in Japan; raises ValueError."""
    day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=JST)
    if day.year not in _YEARS:
        raise ValueError(text)
    return day


_CHECKS: dict[str, Callable[[str], object]] = {
    "q": lambda text: len(text) <= LONGEST_SEARCH,
    "state": WORK.__contains__,
    "money": MONEY.__contains__,
    "method": lambda key: key in methods(),
    "product": lambda key: key in products(),
    "since": _day,
    "until": _day,
    "least": lambda text: yen(text) >= 0,
    "most": lambda text: yen(text) >= 0,
    "attention": "1".__eq__,
    "sort": SORTS.__contains__,
}
_CONDITIONS: dict[str, Callable[[str], ColumnElement[bool]]] = {
    "state": lambda state: Order.state == state,
    "money": lambda money: Order.money == money,
    "method": lambda method: Order.method == method,
    "product": lambda product: Order.product == product,
    "since": lambda day: Order.created_at >= _day(day),
    "until": lambda day: Order.created_at < _day(day) + timedelta(days=1),
    "attention": lambda _: Order.attention.is_not(None),
}
