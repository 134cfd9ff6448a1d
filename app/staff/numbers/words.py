"""What the page of numbers calls things, and how it writes shares, times and days."""

from datetime import date
from decimal import Decimal

from babel.dates import format_skeleton
from flask_babel import lazy_gettext

from app.web.texts import locale

STAGES = {
    "ordered": lazy_gettext("Ordered"),
    "uploaded": lazy_gettext("File arrived"),
    "analysed": lazy_gettext("Analysed"),
    "payment": lazy_gettext("Went to pay"),
    "paid": lazy_gettext("Paid"),
    "delivered": lazy_gettext("Result opened"),
    "downloaded": lazy_gettext("Downloaded"),
}
COSTS = {
    "refund": lazy_gettext("Refunds by card"),
    "payment_refund": lazy_gettext("Other refunds"),
    "refund_failure": lazy_gettext("Failed refunds by card"),
    "payment_failure_refund": lazy_gettext("Other failed refunds"),
    "adjustment": lazy_gettext("Disputes and corrections"),
}
"""By Stripe's type of the balance transaction; another one is shown by its own name."""
VERDICTS = {
    "ok": ("", lazy_gettext("fine")),
    "warn": ("warn", lazy_gettext("high")),
    "eats": ("error", lazy_gettext("eats the price")),
}
"""Kind of the badge, and its word."""
VOUCHERS = {
    "paid": lazy_gettext("Paid"),
    "waiting": lazy_gettext("Can still be paid"),
    "over": lazy_gettext("Ran out"),
}
UNKNOWN = "-"
ROUND_FROM = 10
_UNITS = {
    86_400: lazy_gettext("%(amount)s days"),
    3_600: lazy_gettext("%(amount)s h"),
    60: lazy_gettext("%(amount)s min"),
    1: lazy_gettext("%(amount)s s"),
}


def percent(share: Decimal | float | None) -> str:
    """Write a share: 3.6%."""
    return UNKNOWN if share is None else f"{share:.1%}"


def rate(part: int, whole: int) -> str:
    """Write what share a part is of a whole."""
    return percent(part / whole if whole else None)


def duration(seconds: int | None) -> str:
    """Write a time in the unit that suits it."""
    if seconds is None:
        return UNKNOWN
    unit, text = next((unit, text) for unit, text in _UNITS.items() if seconds >= 2 * unit or unit == 1)
    amount = round(seconds / unit, 0 if unit == 1 or seconds >= ROUND_FROM * unit else 1)
    return str(text % {"amount": f"{amount:g}"})


def day(at: date) -> str:
    """Write a day without its year."""
    return format_skeleton("MMMd", at, locale=locale())
