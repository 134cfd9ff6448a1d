"""The only writer of an order's and a payment's state.

State moves by conditional UPDATE: of any number of processes that see the same event, one gets `rowcount == 1`
and does what follows; the others learn that nothing was left to do (AC-W04). The audit entry is written in the
same transaction (I7).
"""

from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, update
from sqlalchemy.orm import Session

from app.models import AuditEntry, Order, Payment, Refund, RefundRequest
from app.models.base import Base
from app.orders.states import MONEY, PAYMENT, REFUND, REFUND_REQUEST, WORK, Table, sources


def record(
    session: Session,
    order_id: str,
    kind: str,
    actor: str,
    at: datetime,
    **data: Any,  # noqa: ANN401  (JSON)
) -> None:
    """Write an audit entry; the order's timeline is made of these."""
    session.add(AuditEntry(order_id=order_id, at=at, kind=kind, actor=actor, data=data))


def lock(session: Session, order_id: str) -> Order:
    """Let one process at a time change an order: an UPDATE that changes nothing locks on both databases."""
    session.execute(update(Order).where(Order.id == order_id).values(progress=Order.progress))
    return session.get_one(Order, order_id, populate_existing=True)


def move_work(session: Session, order: Order, event: str, actor: str, at: datetime, **facts: Any) -> bool:  # noqa: ANN401
    """Move the work on an order; returns whether this call moved it. `facts` are columns set with the move."""
    if not _move(session, Order, "state", WORK, order.id, event, facts):
        return False
    record(session, order.id, f"work.{event}", actor, at)
    session.refresh(order)
    return True


def move_money(session: Session, order: Order, event: str, actor: str, at: datetime, **facts: Any) -> bool:  # noqa: ANN401
    """Move the money of an order; returns whether this call moved it."""
    if not _move(session, Order, "money", MONEY, order.id, event, facts):
        return False
    record(session, order.id, f"money.{event}", actor, at)
    session.refresh(order)
    return True


def move_payment(session: Session, payment: Payment, event: str, actor: str, at: datetime, **facts: Any) -> bool:  # noqa: ANN401
    """Move an attempt to pay; returns whether this call moved it."""
    if not _move(session, Payment, "state", PAYMENT, payment.id, event, facts):
        return False
    record(session, payment.order_id, f"payment.{event}", actor, at, method=payment.method, amount=payment.amount)
    session.refresh(payment)
    return True


def move_refund(session: Session, refund: Refund, order_id: str, status: str, actor: str, at: datetime) -> bool:
    """Move a refund to a status that Stripe shows; returns whether this call moved it."""
    if not _move(session, Refund, "state", REFUND, refund.id, status, {}):
        return False
    record(session, order_id, f"refund.{status}", actor, at, amount=refund.amount)
    session.refresh(refund)
    return True


def move_request(
    session: Session,
    request: RefundRequest,
    order_id: str,
    event: str,
    actor: str,
    at: datetime,
    **facts: Any,  # noqa: ANN401
) -> bool:
    """Move a refund that staff asked for; returns whether this call moved it."""
    if not _move(session, RefundRequest, "state", REFUND_REQUEST, request.id, event, facts):
        return False
    record(session, order_id, f"refund.{event}", actor, at, amount=request.amount)
    session.refresh(request)
    return True


def _move(
    session: Session,
    model: type[Base],
    column: str,
    table: Table,
    key: str,
    event: str,
    facts: dict[str, Any],
) -> bool:
    session.flush()
    attribute = getattr(model, column)
    for target, states in sources(table, event).items():
        result = session.execute(
            update(model)
            .where(model.id == key, attribute.in_(states))  # type: ignore[attr-defined]
            .values({column: target, **facts})
            .execution_options(synchronize_session=False)
        )
        if isinstance(result, CursorResult) and result.rowcount == 1:
            return True
    return False
