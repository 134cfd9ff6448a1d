"""What the history adds to the situations of `app.orders.situation`: what only Stripe knows, and badges."""

from flask_babel import lazy_gettext

from app.orders.situation import TEXTS

_ADDED = {
    "settling": lazy_gettext("Your payment has arrived and is being confirmed"),
    "refund_account": lazy_gettext("Refund: Stripe has sent you a mail that asks for your bank account"),
    "refunding": lazy_gettext("Your payment is on its way back to you"),
    "restoring_paid": lazy_gettext("You have paid. We are restoring the details and files of this order"),
    "restoring": lazy_gettext("We are restoring the details of this order"),
}

SENTENCES = {key: headline for key, (headline, _) in TEXTS.items()} | _ADDED

_TO_PAY = ("warn", lazy_gettext("To be paid"))
_NO_RESULT = ("error", lazy_gettext("No result"))

# Kind and word of the badge (macros.html), for what a glance down the page should find.
BADGES = {
    "pay_first": _TO_PAY,
    "choose_payment": _TO_PAY,
    "voucher": _TO_PAY,
    "voucher_expired": _TO_PAY,
    "refund_account": ("warn", lazy_gettext("Refund")),
    "refunding": ("info", lazy_gettext("Refund")),
    "open": ("ok", lazy_gettext("Ready")),
    "rejected": _NO_RESULT,
    "failed": _NO_RESULT,
    "cancelled": _NO_RESULT,
    "paid_no_result": _NO_RESULT,
}
