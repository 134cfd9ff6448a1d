"""What an entry of the audit or of the staff log keeps besides, in words: names and values as people read them."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from flask_babel import LazyString, lazy_gettext

from app.kit.money import yen
from app.staff import words
from app.web.texts import jst, locale

_TECHNICAL = {"once"}  # what an entry keeps for the portal, not for people

NAMES: dict[str, LazyString] = {
    "amount": lazy_gettext("Amount"),
    "cause": lazy_gettext("Cause"),
    "columns": lazy_gettext("Columns"),
    "count": lazy_gettext("Number"),
    "file": lazy_gettext("File"),
    "filters": lazy_gettext("Filters"),
    "kind": lazy_gettext("Kind"),
    "mail": lazy_gettext("Mail"),
    "method": lazy_gettext("Payment method"),
    "new": lazy_gettext("New"),
    "old": lazy_gettext("Old"),
    "payment": lazy_gettext("Payment"),
    "price": lazy_gettext("Price"),
    "product": lazy_gettext("Product"),
    "reason": lazy_gettext("Reason"),
    "reference": lazy_gettext("Reference"),
    "role": lazy_gettext("Role"),
    "scan": lazy_gettext("Virus scan"),
    "sessions": lazy_gettext("Logins"),
    "state": lazy_gettext("State"),
    "ticked": lazy_gettext("Chosen orders"),
    "to": lazy_gettext("To"),
    "until": lazy_gettext("Until"),
    "why": lazy_gettext("Cause"),
}
"""By the name in the entry; one that is not here is shown as it is."""
_VALUES: dict[str, Callable[[Any], object]] = {
    "amount": lambda value: yen(value, locale()),
    "kind": lambda value: words.MAILS.get(value, value),
    "method": lambda value: words.methods().get(value, value),
    "price": lambda value: yen(value, locale()),
    "product": lambda value: words.products().get(value, value),
    "scan": lambda value: words.SCANS.get(value, value),
    "until": lambda value: jst(datetime.fromisoformat(value)),
}


def told(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return names and values of what an entry keeps."""
    return [(str(NAMES.get(name, name)), _value(name, value)) for name, value in data.items() if name not in _TECHNICAL]


def _value(name: str, value: object) -> str:
    write = _VALUES.get(name)
    try:
        return str(write(value) if write else value)
    except (TypeError, ValueError):  # an entry of an earlier version
        return str(value)
