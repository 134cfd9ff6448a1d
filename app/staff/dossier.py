"""All that is known of one order, for its page in the back office: a query a table, each on an index."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session, defer, selectinload

from app.errors import NotFoundError
from app.kit.ids import is_uuid
from app.models import (
    AuditEntry,
    BalanceTransaction,
    Finding,
    Mail,
    Note,
    Order,
    Payment,
    RefundRequest,
    Run,
    StripeEvent,
)
from app.models.base import Base
from app.recovery.report import open_findings

MOST = 300  # rows of a table: somebody may have downloaded a result ten thousand times

Row = TypeVar("Row", bound=Base)


@dataclass(frozen=True)
class Dossier:
    """An order with its payments and refunds, and what else tells of it, oldest first.

    Of each the newest MOST. Mails come without their texts, events without their contents. `fees`: payment id -> what
    Stripe took for it, in yen.
    """

    order: Order
    audit: Sequence[AuditEntry]
    mails: Sequence[Mail]
    runs: Sequence[Run]
    notes: Sequence[Note]
    events: Sequence[StripeEvent]
    requests: Sequence[RefundRequest]
    fees: Mapping[str, int]
    findings: Sequence[Finding]


def dossier_of(session: Session, order_id: str) -> Dossier:
    """Return all that is known of an order; raises NotFoundError."""
    order = order_of(session, order_id)
    payments = [payment.id for payment in order.payments]
    of_payments = RefundRequest.payment_id.in_(payments)
    return Dossier(
        order=order,
        audit=_newest(session, AuditEntry, AuditEntry.order_id == order_id, AuditEntry.at),
        mails=_newest(session, Mail, Mail.order_id == order_id, Mail.created_at, Mail.text),
        runs=_newest(session, Run, Run.order_id == order_id, Run.started_at),
        notes=_newest(session, Note, Note.order_id == order_id, Note.created_at),
        events=_events(session, order),
        requests=_newest(session, RefundRequest, of_payments, RefundRequest.asked_at) if payments else (),
        fees=_fees(session, payments) if payments else {},
        findings=open_findings(session, order_id),
    )


def order_of(session: Session, order_id: str) -> Order:
    """Return an order with its payments and refunds, whosever it is; raises NotFoundError."""
    order = None
    if is_uuid(order_id):
        order = session.scalar(
            select(Order)
            .where(Order.id == order_id)
            .options(selectinload(Order.payments).selectinload(Payment.refunds))
        )
    if order is None:
        raise NotFoundError
    return order


def _newest(
    session: Session,
    model: type[Row],
    which: ColumnElement[bool],
    at: InstrumentedAttribute[Any],
    *without: InstrumentedAttribute[Any],
) -> Sequence[Row]:
    """Read the newest rows, oldest first, without columns that are long and not shown."""
    key = model.__mapper__.primary_key[0]
    query = select(model).where(which).order_by(at.desc(), key.desc()).limit(MOST)
    return session.scalars(query.options(*(defer(column, raiseload=True) for column in without))).all()[::-1]


def _events(session: Session, order: Order) -> Sequence[StripeEvent]:
    """Read the events about an order's Checkout Sessions, PaymentIntents and refunds."""
    names = [name for p in order.payments for name in (p.session_id, p.payment_intent_id) if name]
    names += [refund.id for p in order.payments for refund in p.refunds]
    about = StripeEvent.object_id.in_(names)
    return _newest(session, StripeEvent, about, StripeEvent.received_at, StripeEvent.payload) if names else ()


def _fees(session: Session, payments: Sequence[str]) -> dict[str, int]:
    query = select(BalanceTransaction.payment_id, func.sum(BalanceTransaction.fee))
    query = query.where(BalanceTransaction.payment_id.in_(payments)).group_by(BalanceTransaction.payment_id)
    return {payment: int(fee) for payment, fee in session.execute(query)}
