"""Settle: bring our ledger to what Stripe shows of a Checkout Session.

The webhook's job, the return page and whoever else learns that something may have happened call `settle`;
none of them tells it what happened. It reads the session anew and moves our state forward, so it may be
called at any time, any number of times, by any number of processes (AC-W05, W06).
"""

import structlog
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from app.checkout.facts import SessionFacts, read_session
from app.database import insert_once
from app.kit.ids import new_id
from app.mail.service import OrderMail, queue_mail
from app.models import Order, Payment, Refund, StripeHistory
from app.orders.lifecycle import move_money, move_payment, move_refund, record
from app.orders.states import LATE, MONEY, anomaly
from app.portal import portal

ACTOR = "stripe"
REFUNDED = ("partly_refunded", "refunded")
GONE = ("failed", "canceled")  # a refund's states in which the money stays with us
EXPANDED_REFUNDS = 10  # Stripe puts so many, the newest, into a charge
# What a refund means for the order's money, by the best state among its payments.
MONEY_EVENTS = {"paid": "refund_failed", "partly_refunded": "partly_refunded", "refunded": "refunded"}
# What starts when the money has come, by the state of the work.
NEXT_JOB = {"uploaded": "analysis.run", "analysed": "delivery.build"}
MAILS: dict[str, OrderMail] = {"voucher_issued": "voucher", "failed": "payment_expired"}
UNDER_WAY = ("analysing", "delivered")

log = structlog.get_logger()


class NotOurSessionError(LookupError):
    """The Checkout Session belongs to other business on the same Stripe account, or we never began it."""


def settle(session_id: str) -> None:
    """Re-read a Checkout Session from Stripe and move payment, order and refunds to what it shows.

    Raises StripeDownError, NoSuchSessionError, and NotOurSessionError for a session that we never began.
    """
    facts = read_session(portal.stripe.retrieve_session(session_id))
    with portal.database.transaction() as session:
        payment = _find(session, facts)
        order = _lock(session, payment.order_id)
        session.refresh(payment)
        wrong = mismatch(facts, payment, order)
        if wrong:
            _quarantine(session, order, payment, wrong)
        elif not _outdated(session, facts, payment):
            _apply(session, facts, payment, order)


def _find(session: Session, facts: SessionFacts) -> Payment:
    """Find the attempt by its session, or by its id in there: an event may be faster than our commit (P7)."""
    payment = session.scalar(select(Payment).where(Payment.session_id == facts.id))
    ours = facts.metadata.get("portal") == portal.catalog.portal.id
    if payment is None and ours:
        payment = session.get(Payment, facts.metadata.get("attempt", ""))
        if payment is not None and payment.session_id not in {None, facts.id}:
            payment = None
    if payment is None:
        if ours:
            log.error("settle.unknown_session", session_id=facts.id, order_id=facts.order_id)
        raise NotOurSessionError(facts.id)
    return payment


def _lock(session: Session, order_id: str) -> Order:
    """Let one process at a time settle an order: an UPDATE that changes nothing locks on both databases."""
    session.execute(update(Order).where(Order.id == order_id).values(progress=Order.progress))
    return session.get_one(Order, order_id, populate_existing=True)


def mismatch(facts: SessionFacts, payment: Payment, order: Order) -> str | None:
    """Name what about a session is not as we made it, or None (AC-W09, W10)."""
    checks = {
        "livemode_mismatch": facts.live == portal.settings.live,
        "portal_mismatch": facts.metadata.get("portal") == portal.catalog.portal.id,
        "order_mismatch": facts.order_id == order.id == facts.metadata.get("order_id"),
        "mode_mismatch": facts.mode == "payment",
        "currency_mismatch": facts.currency == "jpy",
        "amount_mismatch": facts.amount_total == payment.amount,
    }
    return next((name for name, fits in checks.items() if not fits), None)


def _quarantine(session: Session, order: Order, payment: Payment, wrong: str) -> None:
    """Keep everything as it is and call for staff; nothing opens."""
    if payment.anomaly != wrong:
        record(session, order.id, "payment.quarantined", ACTOR, portal.clock(), why=wrong, payment=payment.id)
    payment.anomaly = wrong
    order.attention = wrong
    log.error("settle.quarantined", order_id=order.id, payment_id=payment.id, why=wrong)


def _outdated(session: Session, facts: SessionFacts, payment: Payment) -> bool:
    """Tell whether somebody has settled with a newer answer while ours was on its way.

    Only around refunds does the state table go back as well as forth, so only there can an old answer harm:
    it misses a refund that we know, or still counts one that we know to have failed.
    """
    known = session.scalars(select(Refund).where(Refund.payment_id == payment.id)).all()
    shown = {refund.id: refund.status for refund in facts.refunds}
    whole = len(shown) < EXPANDED_REFUNDS
    return any(
        shown[refund.id] not in GONE and refund.state in GONE if refund.id in shown else whole for refund in known
    )


def _apply(session: Session, facts: SessionFacts, payment: Payment, order: Order) -> None:
    payment.session_id = facts.id
    payment.payment_intent_id = facts.intent_id or payment.payment_intent_id
    payment.customer_id = facts.customer_id or payment.customer_id
    payment.stripe_email = facts.email or payment.stripe_email
    payment.receipt_url = facts.receipt_url or payment.receipt_url
    payment.amount_refunded = facts.amount_refunded
    if facts.voucher:
        payment.voucher, payment.voucher_expires_at = facts.voucher, facts.voucher_expires_at
    _keep_refunds(session, facts, payment)
    for event in _events(facts, payment):
        was = payment.state
        if move_payment(session, payment, event, ACTOR, portal.clock()):
            _follow(session, order, payment, event, was)
    if facts.disputed and payment.anomaly is None:
        payment.anomaly = order.attention = "disputed"
        record(session, order.id, "payment.disputed", ACTOR, portal.clock(), payment=payment.id)
    if facts.event:
        _forget_history(session, order.email, facts.email)


def _events(facts: SessionFacts, payment: Payment) -> list[str]:
    """Return the events that lead to what Stripe shows; a refund may come before we saw the payment."""
    if facts.event != "paid" or not facts.amount_refunded:
        return [facts.event] if facts.event else []
    refund = "refunded" if facts.amount_refunded >= payment.amount else "partly_refunded"
    return [refund] if payment.state in {"paid", *REFUNDED} else ["paid", refund]


def _keep_refunds(session: Session, facts: SessionFacts, payment: Payment) -> None:
    for shown in facts.refunds:
        new = insert_once(
            session,
            Refund,
            id=shown.id,
            payment_id=payment.id,
            amount=shown.amount,
            state=shown.status,
            reason=shown.reason,
            created_at=shown.created_at,
        )
        if new:
            record(
                session,
                payment.order_id,
                f"refund.{shown.status}",
                ACTOR,
                portal.clock(),
                amount=shown.amount,
            )
        else:
            refund = session.get_one(Refund, shown.id)
            move_refund(session, refund, payment.order_id, shown.status, ACTOR, portal.clock())


def _follow(session: Session, order: Order, payment: Payment, event: str, was: str) -> None:
    """Do what follows from a payment's move; called once for each move, by the one that moved it."""
    mail = MAILS.get(event)
    # An order that was paid another way must not be asked for money again.
    if mail and payment.method == "konbini" and order.money == "unpaid":
        queue_mail(session, mail, order, once=payment.id)
    if event == "paid" and was not in REFUNDED:
        payment.paid_at = portal.clock()
        _paid(session, order, payment)
    elif event == "paid" or event in REFUNDED:
        _count_refunds(session, order)


def _paid(session: Session, order: Order, payment: Payment) -> None:
    now = portal.clock()
    if move_money(session, order, "paid", ACTOR, now, paid_at=now):
        _start_work(session, order)
        return
    payment.anomaly = order.attention = anomaly(MONEY, order.money, "paid")
    record(session, order.id, "payment.double", ACTOR, now, payment=payment.id, amount=payment.amount)
    log.error("settle.double_payment", order_id=order.id, payment_id=payment.id)


def _start_work(session: Session, order: Order, key: str | None = None) -> None:
    """Let the paid work go on; where there is none to go on with, staff must give the money back."""
    job = NEXT_JOB.get(order.state)
    if job:
        portal.jobs.enqueue(session, job, order.id, key=key)
    elif order.state not in UNDER_WAY:
        order.attention = LATE.name
        log.error("settle.paid_but_no_result", order_id=order.id, state=order.state)


def _count_refunds(session: Session, order: Order) -> None:
    """Let the order's money follow all of its payments: it stays paid while one of them is."""
    session.flush()
    states = set(session.scalars(select(Payment.state).where(Payment.order_id == order.id)))
    event = next(event for state, event in MONEY_EVENTS.items() if state in states)
    if not move_money(session, order, event, ACTOR, portal.clock()) or event != "refund_failed":
        return
    if order.state != "delivered":
        # The job of the first time has run and seen the refund, so this one needs a name of its own.
        _start_work(session, order, key=f"refund-failed:{new_id()}")


def _forget_history(session: Session, *emails: str | None) -> None:
    """Let the next look at these addresses' history ask Stripe anew."""
    known = {email.lower() for email in emails if email}
    session.execute(delete(StripeHistory).where(func.lower(StripeHistory.email).in_(known)))
