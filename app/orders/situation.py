"""Where an order stands, as its customer should hear it: one headline, one sentence, one next step."""

from dataclasses import dataclass
from typing import Literal

from flask_babel import lazy_gettext

from app.models import Order, Payment
from app.orders.content import looked_at
from app.orders.states import DISPUTE_HELD, DISPUTE_LOST, PAID

Key = Literal[
    "waiting",
    "sent",
    "pay_first",
    "inspecting",
    "uploaded",
    "analysing",
    "choose_payment",
    "confirming",
    "voucher",
    "voucher_expired",
    "checking",
    "preparing",
    "open",
    "disputed",
    "closed",
    "refund_account",
    "refunding",
    "refunded",
    "charged_back",
    "rejected",
    "failed",
    "cancelled",
    "paid_no_result",
    "abandoned",
    "result_gone",
    "unpaid_gone",
]

TEXTS = {
    "waiting": (
        lazy_gettext("Please send your file"),
        lazy_gettext("Your order is made. The analysis starts when the file has arrived."),
    ),
    "sent": (
        lazy_gettext("Your file was sent"),
        lazy_gettext("One more step: we check that it is complete, then the analysis starts."),
    ),
    "pay_first": (
        lazy_gettext("Your file has arrived"),
        lazy_gettext("The analysis starts as soon as the payment is confirmed."),
    ),
    "inspecting": (
        lazy_gettext("Your file has arrived"),
        lazy_gettext(
            "We are checking that it can be opened safely. That takes a moment, with a large file some minutes."
        ),
    ),
    "uploaded": (
        lazy_gettext("Your file has arrived"),
        lazy_gettext("The analysis starts in a moment. You can close this page: we write to you when it is done."),
    ),
    "analysing": (
        lazy_gettext("We are analysing your file"),
        lazy_gettext("You can close this page: we write to you when it is done."),
    ),
    "choose_payment": (
        lazy_gettext("Your result is ready"),
        lazy_gettext("Have a look at the preview. The whole result opens when you have paid."),
    ),
    "confirming": (
        lazy_gettext("The payment is not confirmed yet"),
        lazy_gettext("If you have just paid, this page changes by itself within a minute. You need not pay again."),
    ),
    "voucher": (
        lazy_gettext("Please pay at a convenience store"),
        lazy_gettext("The result opens when the money has arrived. This page changes by itself."),
    ),
    "voucher_expired": (
        lazy_gettext("The time to pay has passed"),
        lazy_gettext("Nothing was charged, and your result is kept. You can choose how to pay again."),
    ),
    "checking": (
        lazy_gettext("We are checking your payment"),
        lazy_gettext(
            "Something about the payment needs a look by a person. Please don't pay again: we will write to you."
        ),
    ),
    "preparing": (
        lazy_gettext("Payment received, thank you"),
        lazy_gettext("We are putting your result together. This page changes by itself in a moment."),
    ),
    "open": (
        lazy_gettext("Your result is open"),
        lazy_gettext("Thank you for your payment. You can download the result now, and come back for it later."),
    ),
    "disputed": (
        lazy_gettext("Your card company is looking into your payment"),
        lazy_gettext("The downloads are closed until it has decided. Your result is kept."),
    ),
    "closed": (
        lazy_gettext("The downloads are closed for now"),
        lazy_gettext("Something about this order is being looked into. Your result is kept, and we will write to you."),
    ),
    "refund_account": (
        lazy_gettext("The refund waits for your bank account"),
        lazy_gettext("The downloads are closed. To send the money, Stripe has to know where to."),
    ),
    "refunding": (
        lazy_gettext("Your payment is on its way back to you"),
        lazy_gettext("The downloads are closed. The refund can take some days to reach you."),
    ),
    "refunded": (
        lazy_gettext("This order was refunded"),
        lazy_gettext("The downloads are closed, and the money was sent back."),
    ),
    "charged_back": (
        lazy_gettext("Your card company took the payment back"),
        lazy_gettext("The downloads are closed. If that was not what you wanted, please write to us."),
    ),
    "rejected": (
        lazy_gettext("This file can't be analysed"),
        lazy_gettext("There is nothing to pay."),
    ),
    "failed": (
        lazy_gettext("The analysis did not work"),
        lazy_gettext("The fault is ours, and we will look into it. There is nothing to pay."),
    ),
    "cancelled": (
        lazy_gettext("The analysis was stopped"),
        lazy_gettext("There is no result, and there is nothing to pay."),
    ),
    "paid_no_result": (
        lazy_gettext("We could not make your result"),
        lazy_gettext("Your payment has arrived, but there is no result to give. We will write to you about a refund."),
    ),
    "abandoned": (
        lazy_gettext("This order was closed"),
        lazy_gettext("No file arrived, so nothing was analysed and nothing was charged."),
    ),
    "result_gone": (
        lazy_gettext("The time to download this result is over"),
        lazy_gettext("Its files are deleted for good. Your order and its receipt are still here."),
    ),
    "unpaid_gone": (
        lazy_gettext("This order was closed"),
        lazy_gettext("It was not paid in time, so its files are deleted. Nothing was charged."),
    ),
}

# Seconds between two looks of an open page; a situation that is not here stays as it is.
LOOK_AGAIN_S = {
    "inspecting": 1,
    "uploaded": 1,
    "analysing": 1,
    "confirming": 2,
    "preparing": 1,
    "voucher": 3,
    "choose_payment": 5,
}

_WORK_ONLY: dict[str, Key] = {
    "waiting": "waiting",
    "analysing": "analysing",
    "rejected": "rejected",
    "failed": "failed",
    "cancelled": "cancelled",
    "abandoned": "abandoned",
}
_PAID: dict[str, Key] = {"delivered": "open", "analysed": "preparing"}
_BY_REFUND: dict[str, Key] = {"requires_action": "refund_account", "pending": "refunding"}
_BY_PAYMENT: dict[str, Key] = {
    "creating": "choose_payment",
    "open": "confirming",
    "awaiting": "voucher",
    "failed": "voucher_expired",
}


@dataclass(frozen=True)
class Situation:
    """Headline and sentence in the page's language, and the attempt to pay that they speak of."""

    key: Key
    payment: Payment | None

    @property
    def headline(self) -> str:
        """What stands at the top of the page."""
        return str(TEXTS[self.key][0])

    @property
    def sentence(self) -> str:
        """What it means for the customer."""
        return str(TEXTS[self.key][1])

    @property
    def look_again_s(self) -> int | None:
        """Seconds until an open page should ask again, or None."""
        return LOOK_AGAIN_S.get(self.key)


def situation(order: Order) -> Situation:
    """Work out where an order stands; its payments and their refunds must be loaded."""
    current = _telling(order)
    return Situation(_key(order, current), current)


def _telling(order: Order) -> Payment | None:
    """Return the attempt that matters now: an issued voucher before anything else, else the newest."""
    for payment in reversed(order.payments):
        if payment.state == "awaiting":
            return payment
    return order.payments[-1] if order.payments else None


def _key(order: Order, current: Payment | None) -> Key:
    if order.money == "refunded":
        return _money_back(order)
    if order.result_gone_at is not None and order.state not in _WORK_ONLY:
        return "unpaid_gone" if order.money == "unpaid" else "result_gone"
    if order.state in _WORK_ONLY:
        stopped = order.state in {"rejected", "failed", "cancelled"}
        return "paid_no_result" if stopped and order.money != "unpaid" else _WORK_ONLY[order.state]
    if order.money != "unpaid":
        return _paid(order)
    if order.state == "uploaded" and order.charge == "after_analysis":
        return "uploaded" if looked_at(order) else "inspecting"
    return _unpaid(order, current)


def _paid(order: Order) -> Key:
    if order.state == "delivered" and _disputed(order):
        return "disputed"
    if order.state == "delivered" and order.downloads_closed_at is not None:
        return "closed"
    return _PAID.get(order.state, "uploaded")


def _disputed(order: Order) -> bool:
    """Tell whether the bank holds all money of the order for as long as it looks into it."""
    held = [payment for payment in order.payments if payment.state in PAID]
    return bool(held) and all(payment.dispute in DISPUTE_HELD for payment in held)


def _money_back(order: Order) -> Key:
    """Say how far the money is on its way; what was a double payment has notes of its own."""
    if any(payment.dispute in DISPUTE_LOST for payment in order.payments):
        return "charged_back"
    states = {payment.refunds[-1].state for payment in order.payments if payment.refunds}
    return next((key for state, key in _BY_REFUND.items() if state in states), "refunded")


def _unpaid(order: Order, current: Payment | None) -> Key:
    fresh: Key = "choose_payment"
    if order.state == "uploaded":
        fresh = "pay_first" if looked_at(order) else "inspecting"
    if current is None:
        return fresh
    return "checking" if current.anomaly else _BY_PAYMENT.get(current.state, fresh)
