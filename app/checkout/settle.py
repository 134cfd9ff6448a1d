"""Settle: bring our ledger to what Stripe shows of a Checkout Session.

The webhook's job, the return page and whoever else learns that something may have happened call `settle`;
none of them tells it what happened. It reads the session anew and moves our state forward, so it may be
called at any time, any number of times, by any number of processes (AC-W05, W06).
"""

import structlog
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.checkout.balance import ACTOR, balance
from app.checkout.facts import SessionFacts, read_session
from app.database import insert_once
from app.kit.failpoints import fail_point
from app.mail.service import OrderMail, queue_mail
from app.models import Order, Payment, Refund, StripeHistory
from app.orders.lifecycle import lock, move_payment, move_refund, record
from app.orders.states import DISPUTE_OVER, RETURNED
from app.portal import portal

REFUNDED = ("partly_refunded", "refunded")
EXPANDED_REFUNDS = 10  # Stripe puts so many, the newest, into a charge
# First stages of a dispute; once one was decided, an answer that shows these is an old one.
DISPUTE_BEGINS = ("warning_needs_response", "warning_under_review", "needs_response", "under_review")
MAILS: dict[str, OrderMail] = {"voucher_issued": "voucher", "failed": "payment_expired"}

log = structlog.get_logger()


class NotOurSessionError(LookupError):
    """The Checkout Session belongs to other business on the same Stripe account, or we never began it."""


def settle(session_id: str, *, patient: bool = True) -> None:
    """Re-read a Checkout Session from Stripe and move payment, order and refunds to what it shows.

    Not `patient`: a page is waiting and will ask again, so Stripe is asked once only.
    Raises StripeDownError, NoSuchSessionError, and NotOurSessionError for a session that we never began.
    """
    fail_point("settle.before_stripe")
    facts = read_session(portal.stripe.retrieve_session(session_id, patient=patient))
    fail_point("settle.after_stripe")
    with portal.database.transaction() as session:
        payment = _find(session, facts)
        order = lock(session, payment.order_id)
        session.refresh(payment)
        wrong = mismatch(facts, payment, order)
        if wrong:
            _quarantine(session, order, payment, wrong)
        elif not _outdated(session, facts, payment):
            _apply(session, facts, payment, order)
        fail_point("settle.before_commit")
    fail_point("settle.after_commit")


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

    Only around refunds and disputes does the state table go back as well as forth, so only there can an old answer
    harm: it misses a refund or dispute that we know, or shows one in a state that we know to be over.
    """
    if payment.dispute is not None and facts.dispute is None:
        return True
    if payment.dispute in DISPUTE_OVER and facts.dispute in DISPUTE_BEGINS:
        return True
    known = session.scalars(select(Refund).where(Refund.payment_id == payment.id)).all()
    shown = {refund.id: refund.status for refund in facts.refunds}
    whole = len(shown) < EXPANDED_REFUNDS
    return any(
        shown[refund.id] not in RETURNED and refund.state in RETURNED if refund.id in shown else whole
        for refund in known
    )


def _apply(session: Session, facts: SessionFacts, payment: Payment, order: Order) -> None:
    payment.session_id = facts.id
    payment.payment_intent_id = facts.intent_id or payment.payment_intent_id
    payment.customer_id = facts.customer_id or payment.customer_id
    payment.paid_at = facts.paid_at or payment.paid_at
    payment.amount_refunded = facts.amount_refunded
    payment.voucher_expires_at = facts.voucher_expires_at or payment.voucher_expires_at
    if order.erased_at is None:  # else its customer asked to be forgotten, and Stripe may still know all this
        payment.stripe_email = facts.email or payment.stripe_email
        payment.receipt_url = facts.receipt_url or payment.receipt_url
        payment.voucher = facts.voucher or payment.voucher
    _keep_refunds(session, facts, payment)
    _keep_dispute(session, facts, payment)
    for event in events_of(facts, payment):
        if move_payment(session, payment, event, ACTOR, portal.clock()):
            _follow(session, order, payment, event)
            balance(session, order)
    balance(session, order)
    if facts.event:
        _forget_history(session, order.email, facts.email)


def events_of(facts: SessionFacts, payment: Payment) -> list[str]:
    """Return the events that lead to what Stripe shows; the money may have gone back before we saw it come."""
    returned = facts.amount_refunded + facts.amount_lost
    if facts.event != "paid" or not returned:
        return [facts.event] if facts.event else []
    back = "refunded" if returned >= payment.amount else "partly_refunded"
    return [back] if payment.state in {"paid", *REFUNDED} else ["paid", back]


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


def _keep_dispute(session: Session, facts: SessionFacts, payment: Payment) -> None:
    if facts.dispute and facts.dispute != payment.dispute:
        payment.dispute = facts.dispute
        now = portal.clock()
        record(session, payment.order_id, "payment.disputed", ACTOR, now, payment=payment.id, stage=facts.dispute)


def _follow(session: Session, order: Order, payment: Payment, event: str) -> None:
    """Do what follows from this payment's move alone; called once for each move, by the one that moved it."""
    if event == "paid" and payment.paid_at is None:
        payment.paid_at = portal.clock()
    mail = MAILS.get(event)
    # An order that was paid another way must not be asked for money again.
    if mail and payment.method == "konbini" and order.money == "unpaid":
        queue_mail(session, mail, order, once=payment.id)


def _forget_history(session: Session, *emails: str | None) -> None:
    """Let the next look at these addresses' history ask Stripe anew."""
    known = {email.lower() for email in emails if email}
    session.execute(delete(StripeHistory).where(func.lower(StripeHistory.email).in_(known)))
