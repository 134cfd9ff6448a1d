"""Sending money back: how Stripe is asked to; and what came twice goes back once, and never more than was paid."""

import structlog

from app.checkout.balance import DOUBLE, extras, payments_of, refundable
from app.checkout.settle import settle
from app.errors import StripeRefusedError
from app.gateways.stripe import RefundReason, StripeFailedError
from app.models import Payment
from app.orders.lifecycle import record
from app.orders.states import PAID
from app.portal import portal

log = structlog.get_logger()


def send(payment: Payment, amount: int, reason: RefundReason, row: str, attempt: int, **metadata: str) -> str | None:
    """Have Stripe send `amount` yen of a payment back, on behalf of a row of ours; returns the refund's id.

    The row's id and the number of the attempt are the idempotency key. None: Stripe stored a failure under it, so only
    another attempt can help; like every attempt it begins with a look at what Stripe made of the ones before (P2).
    Raises StripeDownError (then the same attempt may be repeated) and StripeRefusedError.
    """
    told = {"order_id": payment.order_id, "portal": portal.catalog.portal.id, "payment": payment.id, **metadata}
    intent = str(payment.payment_intent_id)
    try:
        return portal.stripe.create_refund(intent, amount, reason, told, key=f"refund-{row}-{attempt}")
    except StripeFailedError:
        log.warning("refund.stored_failure", row=row, attempt=attempt)
        return None


def give_back(payment_id: str, attempt: int) -> bool:
    """Refund an extra payment (`send`); returns whether nothing is left to do, or else another attempt is.

    Raises StripeDownError. A refusal leaves the order to staff, who see that it is still paid twice.
    """
    payment = _still_extra(payment_id)
    if payment is None or payment.session_id is None:
        return True
    try:
        if send(payment, payment.amount, "duplicate", payment.id, attempt) is None:
            return False
    except StripeRefusedError as error:
        give_up(payment_id, error)
        return True
    settle(payment.session_id)
    return True


def give_up(payment_id: str, error: Exception) -> None:
    """Write down that a person must send the money back; the order's attention already says that it is paid twice."""
    with portal.database.transaction() as session:
        payment = session.get_one(Payment, payment_id)
        record(
            session, payment.order_id, "refund.gave_up", "worker", portal.clock(), payment=payment_id, why=why(error)
        )
    log.error("refund.gave_up", payment_id=payment_id, exc_info=error)


def why(error: Exception) -> str:
    """Say in a line why a refund did not come about."""
    return f"{type(error).__name__}: {error.__cause__ or error}"[:500]


def _still_extra(payment_id: str) -> Payment | None:
    """Look at all money of the order anew; return the payment if it is still there beside another, whole and ours."""
    with portal.database.transaction() as session:
        order_id = session.get_one(Payment, payment_id).order_id
        held = [p.session_id for p in payments_of(session, order_id) if p.state in PAID]
    for session_id in filter(None, held):
        settle(session_id)
    with portal.database.transaction() as session:
        found = extras(payments_of(session, order_id))
    return next((p for p in found if p.id == payment_id and p.anomaly == DOUBLE and refundable(p)), None)
