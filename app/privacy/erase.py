"""What follows when a person is forgotten, by the job `privacy.erase`: each step may be stopped and repeated.

The ledger names nobody any more when this begins (app.privacy.wish). Here go the files, what Stripe's events said, and,
after the last mail, the address itself.
"""

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import selectinload

from app.kit.failpoints import fail_point
from app.mail.jobs import GIVE_UP
from app.mail.service import farewell_of, send_farewell
from app.models import Erasure, Order, StripeEvent
from app.orders.files import remove_gone
from app.portal import portal
from app.recovery.report import REDACTION, find

WINDOW = timedelta(days=1)
AT_ONCE = 20


def remove_files(erasure_id: str) -> None:
    """Delete the files of every order, and leave a record that names nobody. Raises StorageDownError."""
    for order in _orders(erasure_id):
        remove_gone(order.id)
        fail_point("erase.order_done")


def cut_events(erasure_id: str) -> None:
    """Cut Stripe's events that name one of the orders, its payments or its customer at Stripe; a day a statement."""
    names = sorted({name for order in _orders(erasure_id) for name in _names(order)})
    if not names:
        return
    with portal.database.transaction() as session:
        at = session.scalar(select(func.min(StripeEvent.received_at)).where(StripeEvent.payload.is_not(None)))
    end = portal.clock() + WINDOW
    while at is not None and at < end:
        for first in range(0, len(names), AT_ONCE):
            some = names[first : first + AT_ONCE]
            told = or_(*(StripeEvent.payload.contains(name, autoescape=True) for name in some))
            with portal.database.transaction() as session:
                session.execute(
                    update(StripeEvent)
                    .where(StripeEvent.received_at >= at, StripeEvent.received_at < at + WINDOW, told)
                    .values(payload=None)
                )
        at += WINDOW
    fail_point("erase.events_cut")


def ask_for_redaction(erasure_id: str) -> None:
    """Put the person's customers at Stripe on the staff's list; docs/privacy.md says how they are redacted.

    Not by the portal: what is redacted can't be refunded and loses every dispute, and Stripe takes no payment younger
    than 90 days (https://docs.stripe.com/privacy/deletion-requests, https://docs.stripe.com/privacy/redaction).
    """
    with portal.database.transaction() as session:
        erasure = session.get_one(Erasure, erasure_id)
    for customer in erasure.stripe_customers["ids"]:
        find(REDACTION, customer, asked=erasure.asked_at.date().isoformat())
    fail_point("erase.staff_told")


def say_farewell(erasure_id: str) -> None:
    """Send the last mail."""
    with portal.database.transaction() as session:
        send_farewell(session, erasure_id)
        fail_point("erase.before_farewell")


def finish(erasure_id: str) -> bool:
    """Cut the address when the last mail is out, or can't be sent for days; returns whether all is done."""
    now = portal.clock()
    with portal.database.transaction() as session:
        mail = farewell_of(session, erasure_id)
        if mail is not None and mail.state in {"queued", "failed"} and now < mail.created_at + GIVE_UP:
            return False
        erasure = session.get_one(Erasure, erasure_id)
        if mail is not None:
            mail.to, mail.subject, mail.text, mail.error = erasure.pseudonym, None, None, None
        erasure.done_at = erasure.done_at or now
        fail_point("erase.before_done")
    return True


def _orders(erasure_id: str) -> list[Order]:
    with portal.database.transaction() as session:
        pseudonym = session.get_one(Erasure, erasure_id).pseudonym
        query = select(Order).where(Order.email == pseudonym).order_by(Order.id)
        return list(session.scalars(query.options(selectinload(Order.payments))))


def _names(order: Order) -> Iterator[str]:
    yield order.id
    for payment in order.payments:
        yield from filter(None, (payment.session_id, payment.payment_intent_id, payment.customer_id))
