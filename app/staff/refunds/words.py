"""What the back office says about refunds."""

from flask_babel import gettext, lazy_gettext

from app.checkout.staff_refunds import CantRefundError
from app.kit.money import yen
from app.web.texts import locale

WHY = {
    "not_held": lazy_gettext("The money of this payment is not here: it went back already, or a bank has it."),
    "too_much": lazy_gettext("Of this payment at most %(left)s can still go back."),
    "another_waits": lazy_gettext("Another refund of this order waits for a second person. That one comes first."),
    "same_person": lazy_gettext("Somebody else has to agree: you asked for it."),
    "decided": lazy_gettext("It is decided already."),
}


def told(error: CantRefundError) -> str:
    """Say why money can't go back like this, in the language of the page."""
    return str(WHY[error.why] % {"left": yen(error.left, locale())})


def on_its_way(amount: int, method: str) -> str:
    """Say that so many yen go back, and by which way."""
    goes = gettext("%(amount)s goes back.", amount=yen(amount, locale()))
    return (" " if locale() == "en" else "").join([goes, way(method)])


def way(method: str) -> str:
    """Say by which way the money of a payment goes back."""
    ways = {
        "konbini": gettext(
            "Stripe asks the customer by mail for a bank account. Until it is named the refund waits; after 45 days"
            " without it the refund fails, and the money must go back outside Stripe. Stripe may charge for it."
        ),
        "bank_transfer": gettext("By a bank transfer that you make. Here it is only written down."),
    }
    return str(ways.get(method) or gettext("To the card. The customer sees it after some days."))
