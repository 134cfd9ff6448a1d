"""How many payments may be begun: against card testing and heaps of vouchers (AC-H18).

Counted on the attempts themselves, so all web processes share the count on both databases. Stripe's Radar looks at the
cards that are tried on a Checkout page; here it is bounded how many such pages one visitor gets.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from app.errors import TooManyError
from app.models import Order, Payment
from app.models.payment import OPEN_STATES

HOUR = timedelta(hours=1)
BEGUN_PER_HOUR = 10
OPEN_VOUCHERS = 3

_LOCK = 0x504159  # "PAY": the number of our advisory lock in PostgreSQL


class TooManyVouchersError(TooManyError):
    """As many konbini payments as may wait at a time are waiting; it is not known when the first is paid or lapses."""

    code = "too_many_vouchers"


def check(session: Session, order: Order, payment: Payment, now: datetime) -> None:
    """Raise TooManyError where this attempt, just inserted, is one too many for its address, browser or network.

    SQLite lets one transaction write at a time; on PostgreSQL a lock sees to it, until this one ends.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    for same in _visitor(order, payment):
        begun, first = _count(session, same, Payment.created_at > now - HOUR)
        if begun > BEGUN_PER_HOUR and first is not None:
            raise TooManyError(max(1, int((first + HOUR - now).total_seconds()) + 1))
        waiting, _ = _count(session, same, Payment.method == "konbini", Payment.state.in_((*OPEN_STATES, "awaiting")))
        if payment.method == "konbini" and waiting > OPEN_VOUCHERS:
            raise TooManyVouchersError(int(HOUR.total_seconds()))


def _visitor(order: Order, payment: Payment) -> Iterator[ColumnElement[bool]]:
    """Yield what makes other attempts this visitor's; what is not known of this one counts nothing."""
    yield Order.email == order.email
    if order.claim_hash is not None:
        yield Order.claim_hash == order.claim_hash
    if payment.network is not None:
        yield Payment.network == payment.network


def _count(session: Session, *which: ColumnElement[bool]) -> tuple[int, datetime | None]:
    query = select(func.count(), func.min(Payment.created_at)).join(Order, Order.id == Payment.order_id)
    count, first = session.execute(query.where(*which)).one()
    return count, first
