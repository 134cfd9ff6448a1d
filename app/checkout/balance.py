"""What follows from all payments of an order together: its money, which of them came twice, what staff must look at.

Nothing here remembers what happened in which order: money, extra payments and attention are worked out anew from the
payments as they are, so any order of arrival ends alike (AC-W06, W08). See docs/decisions/012.
"""

from collections.abc import Sequence

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from app.catalog import BANK_TRANSFER
from app.kit.ids import new_id
from app.mail.service import queue_mail
from app.models import Order, Payment
from app.orders.content import looked_at
from app.orders.lifecycle import move_money, record
from app.orders.states import DISPUTE_OVER, PAID
from app.portal import portal

ACTOR = "stripe"
BEST_FIRST = (*PAID, "refunded")
# What starts when the money has come, by the state of the work.
NEXT_JOB = {"uploaded": "analysis.run", "analysed": "delivery.build"}
STAYS = (BANK_TRANSFER, "konbini")
"""Which of two payments stays: the one that is harder to send back; all other methods come last."""
UNDER_WAY = ("analysing", "delivered")
# Names of what staff must look at; beside them, settle's names of what about a session does not fit its payment.
DOUBLE = "double_payment"
CONCERNS = (DOUBLE, "disputed", "refund_failed", "paid_but_no_result")

log = structlog.get_logger()


def balance(session: Session, order: Order) -> None:
    """Bring an order to what its payments come to; the order's row must be locked."""
    payments = payments_of(session, order.id)
    _move_money(session, order, payments)
    for payment in extras(payments):
        if payment.anomaly != DOUBLE:
            _flag(session, order, payment)
    # What another room calls staff for is left to stand.
    if order.attention in {None, *CONCERNS, *(payment.anomaly for payment in payments)}:
        was, order.attention = order.attention, concern(order, payments)
        if order.attention not in {was, None}:
            log.error("checkout.needs_attention", order_id=order.id, why=order.attention)


def payments_of(session: Session, order_id: str) -> Sequence[Payment]:
    """Read an order's payments with their refunds as they are now, oldest first."""
    session.flush()
    query = (
        select(Payment)
        .where(Payment.order_id == order_id)
        .order_by(Payment.created_at, Payment.id)
        .options(selectinload(Payment.refunds))
        .execution_options(populate_existing=True)
    )
    return session.scalars(query).all()


def extras(payments: Sequence[Payment]) -> list[Payment]:
    """Return the payments whose money we hold beyond the one that pays the order.

    A card payment goes back before a konbini one, though it came first: no bank account has to be asked for, and Stripe
    takes no fee. A bank transfer stays before both, for staff would have to send it back by hand. Among equals the one
    begun first stays.
    """
    held = [payment for payment in payments if payment.state in PAID]
    if not held:
        return []
    stays = {method: place for place, method in enumerate(STAYS)}
    kept = min(held, key=lambda payment: (stays.get(payment.method, len(stays)), payment.created_at, payment.id))
    return [payment for payment in held if payment is not kept]


def refundable(payment: Payment) -> bool:
    """Tell whether an extra payment may go back by itself: whole, not in the hands of a bank, and for the first time.

    A refund that failed is for staff: it would fail again, or come to nothing for weeks. So is a bank transfer.
    """
    whole = payment.state == "paid" and not payment.refunds and payment.dispute is None
    return whole and payment.payment_intent_id is not None


def concern(order: Order, payments: Sequence[Payment]) -> str | None:
    """Name what about an order's money a person must look at, the worst first, or None."""
    wrong = [payment.anomaly for payment in payments if payment.anomaly not in {None, DOUBLE}]
    held = [payment for payment in payments if payment.state in PAID]
    if wrong:
        return wrong[0]
    if extras(payments):
        return DOUBLE
    if any(payment.dispute and payment.dispute not in DISPUTE_OVER for payment in payments):
        return "disputed"
    if any(payment.refunds and payment.refunds[-1].state == "failed" for payment in held):
        return "refund_failed"
    if order.money in PAID and order.state not in (*NEXT_JOB, *UNDER_WAY):
        return "paid_but_no_result"
    return None


def _move_money(session: Session, order: Order, payments: Sequence[Payment]) -> None:
    states = {payment.state for payment in payments}
    best = next((state for state in BEST_FIRST if state in states), None)
    now = portal.clock()
    if best is None:
        return
    paid_at = min((payment.paid_at for payment in payments if payment.paid_at), default=now)
    if best == "paid" and move_money(session, order, "paid", ACTOR, now, paid_at=paid_at):
        _start_work(session, order)
    elif best == "paid" and move_money(session, order, "paid_again", ACTOR, now) and order.state != "delivered":
        # The job of the first time has run and seen no money, so this one needs a name of its own.
        _start_work(session, order, key=f"paid-again:{new_id()}")
    elif best != "paid" and move_money(session, order, best, ACTOR, now) and best == "refunded":
        _tell_of_refund(session, order, payments)


def next_job(order: Order) -> str | None:
    """Name what is to be done about an order whose money is there; a file that was not looked at yet comes first."""
    return "intake.inspect" if order.state == "uploaded" and not looked_at(order) else NEXT_JOB.get(order.state)


def _start_work(session: Session, order: Order, key: str | None = None) -> None:
    job = next_job(order)
    if job:
        portal.jobs.enqueue(session, job, order.id, key=key)


def _tell_of_refund(session: Session, order: Order, payments: Sequence[Payment]) -> None:
    """Tell the customer that all money is on its way back; what a bank took, its card holder knows of."""
    newest = [payment for payment in payments if payment.state == "refunded" and payment.refunds][-1:]
    for payment in newest:
        queue_mail(session, "refund", order, once=payment.id)


def _flag(session: Session, order: Order, payment: Payment) -> None:
    """Mark a payment that came twice, tell the customer, and send it back where the catalog says so."""
    payment.anomaly = DOUBLE
    record(session, order.id, "payment.double", ACTOR, portal.clock(), payment=payment.id, amount=payment.amount)
    queue_mail(session, "paid_twice", order, once=payment.id)
    if portal.catalog.payments.refund_double and refundable(payment):
        portal.jobs.enqueue(session, "payments.refund", payment.id)
