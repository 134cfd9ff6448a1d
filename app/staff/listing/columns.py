"""The columns of an export, and how a value becomes a cell that no spreadsheet takes for a formula (AC-S06)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from flask_babel import LazyString, lazy_gettext

from app.kit.clock import JST
from app.models import Order, Payment
from app.staff import words

_FORMULA = re.compile(r"[\s\ufeff\u200b]*[=+\-@＝＋－＠]|[\t\r\n]")  # noqa: RUF001  (full-width on purpose)


@dataclass(frozen=True)
class Column:
    """A column: its heading, what it takes from an order, and whether it is chosen unless somebody says otherwise."""

    title: LazyString
    value: Callable[[Order], object]
    usual: bool = True


def cell(value: object) -> str | int:
    """Return what stands in the file; a text that a spreadsheet could take for a formula gets an apostrophe before it.

    A time is Japan's, as spreadsheets read it. White space before a sign helps an attacker, and so does a TAB as the
    mark of a text (https://symfony.com/cve-2021-41270).
    """
    if isinstance(value, int):
        return value
    if isinstance(value, datetime):
        return value.astimezone(JST).strftime("%Y-%m-%d %H:%M:%S")
    text = "" if value is None else str(value)
    return f"'{text}" if _FORMULA.match(text) else text


def _last(order: Order) -> Payment | None:
    return order.payments[-1] if order.payments else None


def _of_last(name: str) -> Callable[[Order], object]:
    return lambda order: getattr(_last(order), name, None)


COLUMNS = {
    "id": Column(lazy_gettext("OrderID"), lambda order: order.id),
    "created_at": Column(lazy_gettext("Ordered at"), lambda order: order.created_at),
    "email": Column(lazy_gettext("E-mail"), lambda order: order.email),
    "product": Column(lazy_gettext("Product"), lambda order: words.products().get(order.product, order.product)),
    "filename": Column(lazy_gettext("File"), lambda order: order.filename),
    "size": Column(lazy_gettext("Size in bytes"), lambda order: order.size, usual=False),
    "state": Column(lazy_gettext("Work"), lambda order: words.WORK[order.state]),
    "money": Column(lazy_gettext("Money"), lambda order: words.MONEY[order.money]),
    "price": Column(lazy_gettext("Price"), lambda order: order.price),
    "method": Column(
        lazy_gettext("Payment method"), lambda order: words.methods().get(order.method or "", order.method)
    ),
    "amount": Column(lazy_gettext("Amount with handling fee"), _of_last("amount")),
    "refunded": Column(
        lazy_gettext("Refunded in yen"), lambda order: sum(payment.amount_refunded for payment in order.payments)
    ),
    "paid_at": Column(lazy_gettext("Paid at"), lambda order: order.paid_at),
    "delivered_at": Column(lazy_gettext("Delivered at"), lambda order: order.delivered_at),
    "kept_until": Column(lazy_gettext("Result is kept until"), lambda order: order.kept_until, usual=False),
    "attention": Column(lazy_gettext("Needs attention"), lambda order: order.attention),
    "session": Column(lazy_gettext("Checkout Session"), _of_last("session_id"), usual=False),
    "intent": Column(lazy_gettext("PaymentIntent"), _of_last("payment_intent_id"), usual=False),
    "customer": Column(lazy_gettext("Customer at Stripe"), _of_last("customer_id"), usual=False),
}
"""By the name in the form, in the order of the file. Nothing else of an order can be asked for (AC-S07)."""
