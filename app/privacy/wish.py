"""Somebody asks to be forgotten: what stands in the way, and the one transaction that makes it so.

In that transaction the ledger stops to name the person and every login of theirs is gone; files, events and the rest
follow by the job `privacy.erase`, which knows the orders by their pseudonym. So whoever comes back with the same
address a second later is somebody new, whose orders are not touched.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog
from flask_babel import lazy_gettext
from sqlalchemy import ColumnElement, case, delete, or_, select, update
from sqlalchemy.orm import Session, selectinload

from app.analysis.again import stop
from app.checkout.balance import DOUBLE, concern
from app.checkout.service import close_attempt
from app.errors import ConflictError
from app.kit.ids import new_id, new_secret
from app.mail.service import hold_farewell
from app.models import (
    AddressChange,
    AuditEntry,
    Erasure,
    Finding,
    FormerAddress,
    LoginDevice,
    LoginRequest,
    LoginSession,
    Mail,
    Note,
    Order,
    Payment,
    RefundRequest,
    Run,
    StripeHistory,
)
from app.models.payment import OPEN_STATES
from app.orders.lifecycle import move_work, record
from app.orders.states import PAID
from app.portal import portal

ACTOR = "customer"
UNSENT = ("queued", "failed")
# What an audit entry of a forgotten order may still say; the rest could be of the person or of the file.
TOLD = {"product", "price", "method", "amount", "payment", "why", "what"}

OBSTACLES = {
    "voucher": lazy_gettext("A convenience store voucher is out, and money can arrive until it runs out."),
    "page": lazy_gettext("A payment page was opened a moment ago. Please try again in a quarter of an hour."),
    "refund": lazy_gettext("Money is on its way back to you. Please wait until it has arrived."),
    "dispute": lazy_gettext("Your card company is looking into a payment of this order."),
    "checking": lazy_gettext("A person is looking at the payment of this order. We will write to you."),
    "analysis": lazy_gettext("You have paid, and the analysis is running. Please wait until it has ended."),
    "preparing": lazy_gettext("You have paid, and the result is being put together. Please wait until it is open."),
}
"""Why the data of an order can't be deleted now."""
_BY_CONCERN = {DOUBLE: "refund", "refund_failed": "refund", "paid_but_no_result": "refund", "disputed": "dispute"}

log = structlog.get_logger()


class StandsInTheWayError(ConflictError):
    """An order's money is on its way, or its result is."""


def obstacle(order: Order) -> str | None:
    """Name why an order can't be forgotten now (OBSTACLES), or None; payments and refunds must be loaded."""
    states = {payment.state for payment in order.payments}
    worry = concern(order, order.payments)
    if "awaiting" in states:
        return "voucher"
    if any(refund.state in {"requires_action", "pending"} for p in order.payments for refund in p.refunds):
        return "refund"
    if worry is not None:
        return _BY_CONCERN.get(worry, "checking")
    paid = order.money in PAID
    if paid and order.state in {"uploaded", "analysing"}:
        return "analysis"
    return "preparing" if paid and order.state == "analysed" else None


def orders_of(session: Session, email: str) -> Sequence[Order]:
    """Return the orders of an address with payments and refunds, newest first."""
    query = (
        select(Order)
        .where(Order.email == email)
        .order_by(Order.created_at.desc(), Order.id)
        .options(selectinload(Order.payments).selectinload(Payment.refunds))
        .execution_options(populate_existing=True)
    )
    return session.scalars(query).all()


def close_pages(email: str) -> None:
    """Close the payment pages of an address that are still open at Stripe, or learn that one was paid.

    Raises StripeDownError, StripeRefusedError.
    """
    mine = select(Payment).join(Order, Order.id == Payment.order_id).where(Order.email == email)
    with portal.database.transaction() as session:
        attempts = session.scalars(mine.where(Payment.state.in_(OPEN_STATES))).all()
    for attempt in attempts:
        close_attempt(attempt)


def forget(email: str, locale: str) -> str:
    """Forget an address; returns the id of the evidence. Raises StandsInTheWayError, and then nothing has changed."""
    with portal.database.transaction() as session:
        lock_orders(session, email)
        return forget_in(session, email, locale, ACTOR)


def forget_in(session: Session, email: str, locale: str, actor: str) -> str:
    """Forget an address in a transaction that has locked its orders; `actor` is whom their audit names.

    Returns the id of the evidence. Raises StandsInTheWayError, and then nothing of the transaction may stand.
    """
    orders = orders_of(session, email)
    if any(obstacle(order) or _page_is_open(order) for order in orders):
        raise StandsInTheWayError
    evidence = Erasure(pseudonym=f"deleted-{new_secret()}", asked_at=portal.clock())
    erasure = begin(session, email, orders, evidence, actor)
    hold_farewell(session, erasure.id, email, locale)
    log.info("privacy.forgotten", erasure=erasure.id, orders=len(orders))
    return erasure.id


def begin(session: Session, email: str, orders: Sequence[Order], erasure: Erasure, actor: str = ACTOR) -> Erasure:
    """Make orders nameless, end all logins of the address, and keep evidence; the rest is the job's."""
    erasure.id = new_id()
    erasure.email_digest = digests(email)[0]
    customers = {payment.customer_id for order in orders for payment in order.payments if payment.customer_id}
    erasure.stripe_customers = {"ids": sorted(customers)}
    session.add(erasure)
    for order in orders:
        _forget_order(session, order, erasure.pseudonym, erasure.asked_at, actor)
    _forget_logins(session, email, erasure.pseudonym)
    portal.jobs.enqueue(session, "privacy.erase", erasure.id)
    return erasure


def digests(email: str) -> list[str]:
    """Return the keyed digests of an address, one for each key, newest first."""
    return [found.hex() for found in portal.signer.derive("erasure", email)]


def _page_is_open(order: Order) -> bool:
    return any(payment.state in OPEN_STATES for payment in order.payments)


def lock_orders(session: Session, email: str) -> None:
    """Let nobody begin to pay, settle or move these orders meanwhile; in one order, so that no two wait in a circle."""
    session.execute(select(Order.id).where(Order.email == email).order_by(Order.id).with_for_update())
    session.execute(update(Order).where(Order.email == email).values(progress=Order.progress))  # SQLite's lock


def _forget_order(session: Session, order: Order, pseudonym: str, now: datetime, actor: str) -> None:
    payments = order.payments
    stop(session, order, actor, now)
    if order.state != "analysing":  # that ends when its program has been stopped
        move_work(session, order, "abandoned" if order.state == "waiting" else "cancelled", actor, now)
    order.email, order.filename, order.erased_at = pseudonym, "", now
    order.claim_hash = order.declared_sha256 = order.sha256 = None
    order.preview = order.reason = order.delivery = order.attention = None
    order.input_gone_at = order.input_gone_at or now
    order.result_gone_at = order.result_gone_at or now
    for payment in payments:
        payment.stripe_email = payment.voucher = payment.receipt_url = payment.session_url = None
    for entry in session.scalars(select(AuditEntry).where(AuditEntry.order_id == order.id)):
        entry.data = {name: value for name, value in entry.data.items() if name in TOLD}
    session.execute(update(Finding).where(Finding.order_id == order.id).values(detail=None))
    session.execute(update(Run).where(Run.order_id == order.id).values(log=None, cause=None))
    session.execute(delete(Note).where(Note.order_id == order.id))
    asked = RefundRequest.payment_id.in_([payment.id for payment in payments])
    session.execute(update(RefundRequest).where(asked).values(reason=""))
    _cut_mails(session, Mail.order_id == order.id, pseudonym)
    record(session, order.id, "order.erased", actor, now)
    session.flush()


def _forget_logins(session: Session, email: str, pseudonym: str) -> None:
    former = select(FormerAddress.former).where(FormerAddress.email == email)
    addresses = [email, *session.scalars(former)]
    _cut_mails(session, Mail.order_id.is_(None) & Mail.to.in_(addresses), pseudonym)
    gone: list[tuple[type[Any], ColumnElement[bool]]] = [
        (AddressChange, or_(AddressChange.email == email, AddressChange.new_email == email)),
        (LoginSession, LoginSession.email == email),
        (LoginRequest, LoginRequest.email == email),
        (LoginDevice, LoginDevice.email == email),
        (FormerAddress, FormerAddress.email == email),
        (StripeHistory, StripeHistory.email.in_(addresses)),
    ]
    for model, which in gone:
        session.execute(delete(model).where(which))


def _cut_mails(session: Session, which: ColumnElement[bool], pseudonym: str) -> None:
    state = case((Mail.state.in_(UNSENT), "dropped"), else_=Mail.state)
    cut: dict[str, Any] = {"to": pseudonym, "subject": None, "text": None, "error": None, "params": {}, "state": state}
    session.execute(update(Mail).where(which).values(cut).execution_options(synchronize_session=False))
