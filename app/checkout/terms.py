"""The last screen before paying: six points of Japan's Act on Specified Commercial Transactions, art. 12-6.

Quantity, total price, time and method of payment, time of delivery, application period, cancellation: a
customer who was not shown them, or wrongly, may take the contract back (art. 15-4). Worked out of order,
offer and catalog (AC-T01). Stripe's page says delivery and cancellation once more, in the same words. The version of
the seller's texts is stored with the attempt (AC-T02); it is also a field of the form, so that it is the one that was
seen.
"""

from datetime import datetime, time, timedelta

from flask_babel import gettext

from app.catalog import Method, Offer
from app.kit.ages import UNPAID, UNPAID_AFTER_VOUCHER
from app.kit.clock import JST
from app.kit.konbini import chain_names
from app.kit.money import yen
from app.models import Order
from app.portal import portal
from app.web.texts import jst, jst_date, locale


def deadline(offer: Offer) -> datetime | None:
    """Return the last moment to pay a konbini voucher that is issued now: 23:59 JST of the last day."""
    days = offer.method.expires_after_days
    if days is None:
        return None
    last = portal.clock().astimezone(JST).date() + timedelta(days=days)
    return datetime.combine(last, time(23, 59, 59), JST)


def six_points(order: Order, offer: Offer) -> list[tuple[str, str]]:
    """Return (name, text) of what the law wants on the last screen, in the page's language."""
    speak = locale()
    product = portal.catalog.product(order.product)
    name = product.name(speak) if product else order.product
    return [
        (
            gettext("What you order"),
            gettext("%(product)s: 1 analysis of the file %(filename)s", product=name, filename=order.filename),
        ),
        (gettext("Total price"), _price(offer, speak)),
        (gettext("How and when you pay"), _payment(offer, speak)),
        (gettext("Delivery"), portal.catalog.terms.delivery(speak)),
        (gettext("Order by"), _period(order, offer)),
        (gettext("Cancellation and refunds"), _cancellation(offer.method, speak)),
    ]


def note_at_stripe(method: Method) -> str:
    """Return what Stripe's page shows beside its button, in the page's language; the same whenever it is asked for."""
    speak = locale()
    return str(
        gettext(
            "Delivery: %(delivery)s Cancellation and refunds: %(cancellation)s",
            delivery=portal.catalog.terms.delivery(speak),
            cancellation=_cancellation(method, speak),
        )
    )


def changed_since(order: Order) -> bool:
    """Tell whether the terms are other ones than those that the order was made under."""
    return order.terms_version not in {None, portal.catalog.terms.version}


def _price(offer: Offer, speak: str) -> str:
    total = yen(offer.total, speak)
    if not offer.handling:
        return str(gettext("%(total)s, tax included. There are no other costs.", total=total))
    text = gettext(
        "%(total)s, tax included (%(price)s and a handling fee of %(handling)s). There are no other costs.",
        total=total,
        price=yen(offer.price, speak),
        handling=yen(offer.handling, speak),
    )
    return str(text)


def _payment(offer: Offer, speak: str) -> str:
    end = deadline(offer)
    if end is None:
        return str(gettext("By card, charged at once when you confirm on the next page."))
    text = gettext(
        "In cash at %(stores)s, by %(deadline)s if you get the voucher today.",
        stores=chain_names(speak),
        deadline=jst(end),
    )
    return str(text)


def _period(order: Order, offer: Offer) -> str:
    day = jst_date(last_moment(order))
    if deadline(offer) is None:
        again = gettext("The payment page closes after 24 hours; you can then start again.")
    else:
        again = gettext("A voucher that is not paid in time expires; you can then start again.")
    text = gettext("You can order until %(day)s; after that your file and its result are deleted.", day=day)
    return f"{text} {again}" if locale() == "en" else f"{text}{again}"


def last_moment(order: Order) -> datetime:
    """Return until when an unpaid order can be paid: then its files go (app.privacy.retention). Payments are loaded."""
    ends = [end for p in order.payments if (end := p.voucher_expires_at or p.session_expires_at)]
    if any(p.voucher_expires_at for p in order.payments):
        return max(ends) + UNPAID_AFTER_VOUCHER
    return order.created_at + UNPAID


def _cancellation(method: Method, speak: str) -> str:
    parts = [portal.catalog.terms.refund(speak)]
    if method.expires_after_days is None:
        parts.append(gettext("A refund goes back to the card."))
    else:
        parts += [
            gettext("A voucher can't be cancelled; if you don't pay it, it simply expires."),
            gettext("For a refund, Stripe asks you by e-mail for a bank account and sends the money there."),
        ]
    return (" " if speak == "en" else "").join(parts)
