"""Payments that are not final are looked at again, whatever events came or did not come (fault rows D2, P11)."""

from datetime import datetime, timedelta

from sqlalchemy import Select, or_, select, union
from sqlalchemy.orm import selectinload

from app.checkout.facts import SessionFacts
from app.models import Payment, Refund
from app.orders.lifecycle import move_payment
from app.portal import portal
from app.recovery.pace import Pace
from app.recovery.report import Report
from app.recovery.sessions import ACTOR, adopt, ours, pages, try_settle

NOT_FINAL = ("creating", "open", "awaiting")
REFUND_NOT_FINAL = ("requires_action", "pending")
SOON = timedelta(minutes=10)  # after creation, and after a deadline has passed
OFTEN, SELDOM = timedelta(minutes=15), timedelta(hours=6)
DAILY = timedelta(days=1)  # a refund takes days, a konbini one up to 45
AGE_SHARE = 8
# A session may be made some time after its attempt, and our clock and Stripe's may differ.
MARGIN = timedelta(hours=1)
BATCH = 100
MOST = 5_000  # a run; the next one is 15 minutes later


def reread(report: Report, pace: Pace) -> None:
    """Settle every payment whose time to be looked at has come; raises StripeDownError or StripeRefusedError."""
    _find_unopened(report, pace)
    looked = 0
    while looked < MOST:
        with portal.database.transaction() as session:
            due = session.scalars(_due(portal.clock())).all()
        if not due:
            break
        for payment_id in due:
            _look(payment_id, report, pace)
        looked += len(due)


def _due(now: datetime) -> Select[str]:
    candidates = union(
        select(Payment.id).where(Payment.state.in_(NOT_FINAL)),
        select(Refund.payment_id).where(Refund.state.in_(REFUND_NOT_FINAL)),
    )
    never = Payment.look_at.is_(None) & (Payment.created_at <= now - SOON)
    return (
        select(Payment.id)
        .where(Payment.id.in_(candidates), Payment.session_id.is_not(None), or_(never, Payment.look_at <= now))
        .order_by(Payment.look_at.nulls_first(), Payment.created_at)
        .limit(BATCH)
    )


def _look(payment_id: str, report: Report, pace: Pace) -> None:
    with portal.database.transaction() as session:
        before = session.get_one(Payment, payment_id)
    report.looked["payment"] += 1
    try_settle(before.session_id or "", before.order_id, pace)
    now = portal.clock()
    with portal.database.transaction() as session:
        query = select(Payment).where(Payment.id == payment_id).options(selectinload(Payment.refunds))
        after = session.scalars(query).one()
        after.look_at = next_look(after, now)
        if (after.state, after.amount_refunded) != (before.state, before.amount_refunded):
            report.mend("payment", payment_id)


def next_look(payment: Payment, now: datetime) -> datetime:
    """Return when to look again: the longer nothing has happened the later, but soon after each deadline.

    After a deadline it begins anew: Stripe closes a voucher some time after the moment that it printed on it.
    """
    if payment.state not in NOT_FINAL:
        return now + DAILY
    ends = [end for end in (payment.session_expires_at, payment.voucher_expires_at) if end is not None]
    quiet = now - max(at for at in (payment.created_at, *ends) if at <= now or at == payment.created_at)
    wait = min(max(quiet / AGE_SHARE, OFTEN), SELDOM)
    return min([now + wait, *(end + SOON for end in ends if end + SOON > now)])


def _find_unopened(report: Report, pace: Pace) -> None:
    """Find the sessions of attempts that never heard from Stripe; an attempt that has none is given up."""
    now = portal.clock()
    with portal.database.transaction() as session:
        query = select(Payment).where(
            Payment.state == "creating", Payment.session_id.is_(None), Payment.created_at <= now - SOON
        )
        waiting = {payment.id: payment for payment in session.scalars(query.limit(MOST))}
    if not waiting:
        return
    report.looked["attempt without a session"] += len(waiting)
    since = min(payment.created_at for payment in waiting.values()) - MARGIN
    found: dict[str, SessionFacts] = {}
    for page in pages(pace, since=since):
        found |= {facts.metadata.get("attempt", ""): facts for facts in ours(page, pace)}
    for payment in waiting.values():
        facts = found.get(payment.id)
        if facts is not None and facts.metadata.get("order_id") == payment.order_id:
            adopt(facts, payment.order_id)
            try_settle(facts.id, payment.order_id, pace)
            report.mend("attempt", payment.id)
        else:
            with portal.database.transaction() as session:
                fresh = session.get_one(Payment, payment.id)
                move_payment(session, fresh, "gave_up", ACTOR, now)
