"""Refunds that staff ask for, in full or in part; above the catalog's amount a second person must agree (AC-S03).

A request holds its amount back from the moment it is made, so no two of them come to more than the payment. Whoever
asks or decides has locked the order's row. What becomes of the money `settle` learns from Stripe, as of every refund.
"""

from collections.abc import Sequence
from datetime import timedelta

import structlog
from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from app.checkout.balance import DOUBLE, balance
from app.checkout.refunds import send, why
from app.checkout.settle import settle
from app.errors import BadInputError, StripeRefusedError
from app.gateways.stripe import RefundReason
from app.jobs import next_key
from app.models import Order, Payment, Refund, RefundRequest
from app.orders.lifecycle import move_payment, move_request, record
from app.orders.states import DISPUTE_HELD, DISPUTE_LOST, PAID
from app.portal import portal

AT_THE_BANK = (*DISPUTE_HELD, *DISPUTE_LOST)
"""Stages of a dispute in which there is nothing to refund (https://docs.stripe.com/disputes/how-disputes-work)."""
AGAIN = timedelta(hours=1)
GIVE_UP = timedelta(days=2)
"""How long after the last of many tries Stripe is asked again, and for how long."""

log = structlog.get_logger()


class CantRefundError(BadInputError):
    """Money can't go back like this; `why` is a key of app.staff.refunds.words.WHY, `left` what could, in yen."""

    def __init__(self, why: str, *, left: int = 0, field: str | None = None) -> None:
        """Take the reason, and the form field at fault where there is one."""
        super().__init__(field=field)
        self.why = why
        self.left = left


def can_go_back(payment: Payment) -> bool:
    """Tell whether we hold money of a payment, and no bank has it because of a dispute."""
    return payment.state in PAID and payment.dispute not in AT_THE_BANK


def left_of(session: Session, payment: Payment) -> int:
    """Return how many yen of a payment can still go back: what was neither sent back nor asked for."""
    # Sent, and settle has not seen it yet. What went back by hand has no id, and NULL is not in an empty list.
    of_stripe = and_(RefundRequest.state == "sent", RefundRequest.refund_id.is_not(None))
    unseen = and_(of_stripe, RefundRequest.refund_id.not_in(select(Refund.id)))
    held = RefundRequest.state.in_(("waiting", "approved"))
    return payment.amount - payment.amount_refunded - _sum(session, Payment.id == payment.id, or_(held, unseen))


def requests_of(session: Session, order_id: str) -> Sequence[tuple[RefundRequest, Payment]]:
    """Return all that staff asked for about an order, oldest first, each with its payment."""
    query = select(RefundRequest, Payment).join(Payment, Payment.id == RefundRequest.payment_id)
    rows = session.execute(query.where(Payment.order_id == order_id).order_by(RefundRequest.asked_at))
    return rows.all()


def ask(session: Session, payment: Payment, amount: int, reason: str, *, member: str, once: str) -> RefundRequest:
    """Ask for a refund of `amount` yen; returns it waiting for a second person, or approved. Raises CantRefundError.

    `once`: its id. `member`: the address of who asks.
    """
    if not can_go_back(payment):
        raise CantRefundError("not_held")
    left = left_of(session, payment)
    if not 0 < amount <= left:
        raise CantRefundError("too_much", left=left, field="amount")
    two = amount + _alone(session, payment.order_id) > portal.catalog.refunds.two_people_above
    if two and any(request.state == "waiting" for request, _ in requests_of(session, payment.order_id)):
        raise CantRefundError("another_waits")
    now = portal.clock()
    request = RefundRequest(
        id=once, payment_id=payment.id, amount=amount, reason=reason, state="waiting", asked_by=member, asked_at=now
    )
    session.add(request)
    if two:
        record(session, payment.order_id, "refund.waiting", f"staff:{member}", now, amount=amount)
    else:
        _approve(session, payment, request, member)
    return request


def agree(session: Session, payment: Payment, request: RefundRequest, member: str) -> None:
    """Let a second person agree; raises CantRefundError."""
    if request.asked_by == member:
        raise CantRefundError("same_person")
    if request.state == "waiting" and not (can_go_back(payment) and left_of(session, payment) >= 0):
        raise CantRefundError("not_held")
    _approve(session, payment, request, member)


def decline(session: Session, payment: Payment, request: RefundRequest, member: str) -> None:
    """Let a request come to nothing; whoever asked may do so too. Raises CantRefundError."""
    _decide(session, payment, request, member, "declined")


def carry_out(request_id: str, attempt: int) -> bool:
    """Have Stripe make an approved refund; returns whether nothing is left to do, or else another attempt is.

    Raises StripeDownError: then the same attempt may be repeated. A refusal ends the request.
    """
    with portal.database.transaction() as session:
        request = session.get_one(RefundRequest, request_id)
        payment = session.get_one(Payment, request.payment_id)
    if request.state == "approved":
        try:
            refund_id = _made(payment, request) or _send(payment, request, attempt)
        except StripeRefusedError as error:
            _refuse(request_id, error)
            return True
        if refund_id is None:
            return False
        with portal.database.transaction() as session:
            request = session.get_one(RefundRequest, request_id)
            move_request(session, request, payment.order_id, "sent", "worker", portal.clock(), refund_id=refund_id)
    if payment.session_id is not None:
        settle(payment.session_id)
    return True


def put_off(request_id: str, error: Exception) -> None:
    """Try again in an hour what Stripe did not do; after two days give up."""
    with portal.database.transaction() as session:
        request = session.get_one(RefundRequest, request_id)
        if portal.clock() - (request.decided_at or request.asked_at) < GIVE_UP:
            portal.jobs.enqueue(session, "payments.staff_refund", request_id, key=next_key(), delay=AGAIN)
            return
    _refuse(request_id, error)


def _sum(session: Session, *which: ColumnElement[bool]) -> int:
    amounts = select(func.coalesce(func.sum(RefundRequest.amount), 0)).join(
        Payment, Payment.id == RefundRequest.payment_id
    )
    return int(session.scalars(amounts.where(*which)).one())


def _alone(session: Session, order_id: str) -> int:
    """Add up what single persons sent back of an order: many small refunds need a second person as one large does."""
    by_one = (RefundRequest.state.in_(("approved", "sent")), RefundRequest.decided_by == RefundRequest.asked_by)
    return _sum(session, Payment.order_id == order_id, *by_one)


def _decide(session: Session, payment: Payment, request: RefundRequest, member: str, verdict: str) -> None:
    now, actor = portal.clock(), f"staff:{member}"
    facts = {"decided_by": member, "decided_at": now}
    if not move_request(session, request, payment.order_id, verdict, actor, now, **facts):
        raise CantRefundError("decided")


def _approve(session: Session, payment: Payment, request: RefundRequest, member: str) -> None:
    _decide(session, payment, request, member, "approved")
    if payment.payment_intent_id is not None:
        portal.jobs.enqueue(session, "payments.staff_refund", request.id)
    else:
        _book(session, payment, request, member)


def _book(session: Session, payment: Payment, request: RefundRequest, member: str) -> None:
    """Book what staff send back by hand: money that came by bank transfer, of which Stripe knows nothing."""
    now, actor = portal.clock(), f"staff:{member}"
    payment.amount_refunded += request.amount
    whole = payment.amount_refunded >= payment.amount
    move_payment(session, payment, "refunded" if whole else "partly_refunded", actor, now)
    move_request(session, request, payment.order_id, "sent", actor, now)
    balance(session, session.get_one(Order, payment.order_id))
    portal.jobs.enqueue(session, "orders.record", payment.order_id, key=f"orders.record:{request.id}")


def _made(payment: Payment, request: RefundRequest) -> str | None:
    """Look whether an attempt before has made the refund, though its answer never came."""
    known = portal.stripe.refunds_of_intent(str(payment.payment_intent_id))
    return next((r["id"] for r in known if (r.get("metadata") or {}).get("request") == request.id), None)


def _send(payment: Payment, request: RefundRequest, attempt: int) -> str | None:
    reason: RefundReason = "duplicate" if payment.anomaly == DOUBLE else "requested_by_customer"
    return send(payment, request.amount, reason, request.id, attempt, request=request.id)


def _refuse(request_id: str, error: Exception) -> None:
    with portal.database.transaction() as session:
        request = session.get_one(RefundRequest, request_id)
        order_id = session.get_one(Payment, request.payment_id).order_id
        move_request(session, request, order_id, "refused", "worker", portal.clock(), error=why(error))
    log.error("refund.refused", request_id=request_id, order_id=order_id, exc_info=error)
