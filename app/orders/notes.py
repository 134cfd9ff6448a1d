"""What the order's page says beside the situation: money that came twice, money on its way back, a dispute.

The situation is one sentence about the order; these are sentences about single payments.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from flask_babel import gettext, lazy_gettext

from app.kit.money import yen
from app.models import Order, Payment
from app.orders.states import DISPUTE_LOST, DISPUTE_OVER
from app.portal import portal
from app.web.texts import jst_date, locale

Kind = Literal["info", "warn"]

_VOUCHER_OUT = lazy_gettext(
    "A convenience store voucher for %(amount)s is still out, and can't be cancelled. Please do not pay it."
)
# A refund by Stripe's word for its status.
_REFUND = {
    "requires_action": lazy_gettext(
        "%(amount)s goes back to you. Stripe, our payment service, sends a mail from an address that ends in"
        " @stripe.com and asks for a bank account. Please answer it within 45 days."
    ),
    "pending": lazy_gettext("%(amount)s is on its way back to you."),
    "succeeded": lazy_gettext("%(amount)s was sent back to you. With a card it can take some days until you see it."),
    "failed": lazy_gettext("Sending back %(amount)s did not work. We look into it and write to you."),
}
_WARN = ("requires_action", "failed")


@dataclass(frozen=True)
class Note:
    """A sentence and its kind (macros.html)."""

    kind: Kind
    text: str


def notes(order: Order) -> list[Note]:
    """Return the notes of an order in the page's language; its payments and refunds must be loaded."""
    return [*_of_files(order), *(note for payment in order.payments for note in _of_payment(order, payment))]


def _of_files(order: Order) -> Iterator[Note]:
    """Say since when files are deleted."""
    if order.input_gone_at is not None and order.uploaded_at is not None:
        yield Note(
            "info", gettext("The file that you sent was deleted on %(date)s.", date=jst_date(order.input_gone_at))
        )
    if order.result_gone_at is not None and order.analysed_at is not None:
        yield Note("info", gettext("The result was deleted on %(date)s.", date=jst_date(order.result_gone_at)))


def _of_payment(order: Order, payment: Payment) -> Iterator[Note]:
    amount = yen(payment.amount, locale())
    if payment.state == "awaiting" and order.money != "unpaid":
        yield Note("warn", str(_VOUCHER_OUT % {"amount": amount}))
    # A dispute that took the money leaves no refund to wait for.
    if payment.dispute and payment.dispute not in (*DISPUTE_OVER, *DISPUTE_LOST):
        yield Note(
            "info", gettext("Your card company asks about this payment. If that is a mistake, please tell them.")
        )
    twice = payment.anomaly == "double_payment"
    refund = payment.refunds[-1] if payment.refunds else None
    if refund and refund.state in _REFUND:
        text = str(_REFUND[refund.state] % {"amount": yen(refund.amount, locale())})
        yield Note("warn" if refund.state in _WARN else "info", _double(text) if twice else text)
    elif twice:
        text = gettext(
            "The payment of %(amount)s (%(method)s) goes back to you.", amount=amount, method=_method(payment)
        )
        yield Note("info", _double(text))


def _double(text: str) -> str:
    return (" " if locale() == "en" else "").join([gettext("This order was paid twice."), text])


def _method(payment: Payment) -> str:
    return portal.catalog.method_names(locale()).get(payment.method, payment.method)
