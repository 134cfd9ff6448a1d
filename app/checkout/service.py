"""Begin to pay: from an order and a method to the address of Stripe's page.

At most one attempt of an order is payable at a time (index uq_payments_one_open); it is used again while it
fits. No transaction is open while Stripe is asked, and an attempt is stored before Stripe hears of it:
whatever dies in between, the next try finds the attempt and repeats it under its idempotency key (P1 to P4).
"""

from datetime import timedelta
from typing import Literal

import structlog
from flask_babel import force_locale, gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalog import MethodKey, Offer
from app.checkout.guard import check
from app.checkout.lost import close_lost
from app.checkout.settle import settle
from app.checkout.terms import note_at_stripe
from app.database import insert_once
from app.errors import BadInputError, ConflictError, StripeRefusedError
from app.gateways.session_request import SessionRequest
from app.gateways.stripe import StripeFailedError
from app.kit.clock import from_unix
from app.kit.failpoints import fail_point
from app.kit.ids import new_id
from app.models import Order, Payment
from app.models.payment import OPEN_STATES
from app.orders.content import looked_at
from app.orders.lifecycle import lock, move_payment
from app.portal import portal

ACTOR = "customer"
# A page of Stripe's that closes sooner than this is not worth sending somebody to.
ENOUGH_TIME = timedelta(minutes=10)
LOOKS = 4
# In which state of the work an order is paid, by the product's `charge`.
PAYABLE = {"after_analysis": "analysed", "before_analysis": "uploaded"}

log = structlog.get_logger()


class VoucherWaitingError(ConflictError):
    """A konbini voucher is out for this order; the customer must know before beginning another payment."""


def payable(order: Order) -> bool:
    """Tell whether the customer may pay the order now."""
    if order.state == "uploaded" and not looked_at(order):
        return False
    return order.money == "unpaid" and order.state == PAYABLE[order.charge] and order.result_gone_at is None


def offer_of(order: Order, method: str) -> Offer:
    """Return the offer of a method for an order; raises BadInputError where it can't be chosen."""
    for offer in portal.catalog.offers(order.price):
        if offer.method.key == method and offer.available:
            return offer
    raise BadInputError("method_not_available", field="method")


def voucher_of(order: Order) -> Payment | None:
    """Return the attempt whose konbini voucher waits to be paid; the order's payments must be loaded."""
    return next((p for p in reversed(order.payments) if p.state == "awaiting"), None)


def start(order_id: str, method: MethodKey, *, voucher_known: bool = False, network: str | None = None) -> str:
    """Return the address of Stripe's page where the order can be paid by a method.

    `voucher_known`: the customer was told that the voucher which is out can't be cancelled.
    `network`: mark of the network that asks, None where it is not to be counted.
    Raises ConflictError where the order can't be paid (now), VoucherWaitingError, BadInputError, TooManyError,
    StripeDownError (the attempt is kept for the next try) and StripeRefusedError.
    """
    if voucher_known:
        _look_at_vouchers(order_id)
    for _ in range(LOOKS):
        with portal.database.transaction() as session:
            order, payment, offer = _claim(session, order_id, method, network, voucher_known=voucher_known)
        if payment is None:
            continue
        if payment.state == "creating":
            payment = _open(order, payment)
        if _fits(payment, offer) and payment.session_url:
            return payment.session_url
        close_attempt(payment)
    raise ConflictError


def _look_at_vouchers(order_id: str) -> None:
    """Learn whether a voucher was paid a moment ago, before another payment is begun beside it."""
    query = select(Payment.session_id).where(Payment.order_id == order_id, Payment.state == "awaiting")
    with portal.database.transaction() as session:
        out = session.scalars(query).all()
    for session_id in filter(None, out):
        settle(session_id)


def _claim(
    session: Session, order_id: str, method: str, network: str | None, *, voucher_known: bool
) -> tuple[Order, Payment | None, Offer]:
    """Return the order's one payable attempt, made now where there is none; None where another was faster."""
    order = lock(session, order_id)  # or its files could be deleted for not being paid, just now
    if not payable(order):
        raise ConflictError
    offer = offer_of(order, method)
    states = (*OPEN_STATES, "awaiting")
    known = session.scalars(select(Payment).where(Payment.order_id == order_id, Payment.state.in_(states))).all()
    awaiting = any(p.state == "awaiting" for p in known)
    if awaiting and (method == "konbini" or not voucher_known):
        raise VoucherWaitingError
    current = next((p for p in known if p.state in OPEN_STATES), None)
    return order, current or _begin(session, order, offer, network), offer


def _begin(session: Session, order: Order, offer: Offer, network: str | None) -> Payment | None:
    attempt = new_id()
    made = insert_once(
        session,
        Payment,
        id=attempt,
        order_id=order.id,
        method=offer.method.key,
        price=offer.price,
        handling=offer.handling,
        amount=offer.total,
        state="creating",
        terms_version=portal.catalog.terms.version,
        amount_refunded=0,
        created_at=portal.clock(),
        network=network,
    )
    if not made:
        return None
    payment = session.get_one(Payment, attempt)
    check(session, order, payment, payment.created_at)
    return payment


def _fits(payment: Payment, offer: Offer) -> bool:
    end = payment.session_expires_at
    return (
        payment.state == "open"
        and payment.method == offer.method.key
        and payment.amount == offer.total
        and payment.terms_version == portal.catalog.terms.version
        and end is not None
        and end > portal.clock() + ENOUGH_TIME
    )


def _open(order: Order, payment: Payment) -> Payment:
    """Make the attempt's Checkout Session; the same attempt always gets the same one."""
    close_lost(order.id)
    try:
        made = portal.stripe.create_session(_request(order, payment))
    except (StripeFailedError, StripeRefusedError):
        with portal.database.transaction() as session:
            payment = session.get_one(Payment, payment.id)
            move_payment(session, payment, "gave_up", ACTOR, portal.clock())
        raise
    fail_point("checkout.session_made")
    with portal.database.transaction() as session:
        payment = session.get_one(Payment, payment.id)
        move_payment(
            session,
            payment,
            "opened",
            ACTOR,
            portal.clock(),
            session_id=made["id"],
            session_url=made["url"],
            session_expires_at=from_unix(made["expires_at"]),
        )
    return payment


def close_pages(order: Order) -> None:
    """Close the page at Stripe on which an order could be paid; a voucher stays. Its payments must be loaded."""
    for payment in order.payments:
        if payment.state in OPEN_STATES:
            close_attempt(payment)


def close_attempt(payment: Payment) -> None:
    """Make sure that an attempt can't be paid any more, or learn that it has been."""
    if payment.session_id is None:
        return
    try:
        portal.stripe.expire_session(payment.session_id)
    except StripeRefusedError:
        log.info("checkout.not_open_any_more", payment_id=payment.id)
    settle(payment.session_id)


def _request(order: Order, payment: Payment) -> SessionRequest:
    product = portal.catalog.product(order.product)
    locale: Literal["ja", "en"] = "en" if order.locale == "en" else "ja"
    method: MethodKey = "konbini" if payment.method == "konbini" else "card"
    page = f"{portal.settings.public_url}/orders/{order.id}"
    chosen = next((m for m in portal.catalog.methods if m.key == method), None)
    with force_locale(locale):
        return SessionRequest(
            attempt_id=payment.id,
            begun_at=payment.created_at,
            order_id=order.id,
            portal_id=portal.catalog.portal.id,
            email=order.email,
            method=method,
            name=product.name(locale) if product else order.product,
            price=payment.price,
            handling=payment.handling,
            handling_name=gettext("Convenience store handling fee"),
            locale=locale,
            success_url=f"{page}/return?session_id={{CHECKOUT_SESSION_ID}}",
            cancel_url=f"{page}/pay",
            submit_note=note_at_stripe(chosen) if chosen else portal.catalog.terms.delivery(locale),
            expires_after_days=chosen.expires_after_days if chosen else None,
            terms_version=payment.terms_version,
        )
