"""An order that has its result is analysed once more; what is there stays until its successor is complete."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.analysis.program import Outcome, columns_of
from app.models import AuditEntry, Order
from app.orders.lifecycle import lock, record
from app.orders.states import PAID
from app.portal import portal

HAS_RESULT = ("analysed", "delivered")
RENEWED, NOT_RENEWED = "analysis.renewed", "analysis.not_renewed"
FAILED = "renewal_failed"


def possible(order: Order) -> bool:
    """Tell whether an order has a result that another one may take the place of."""
    there = order.state in HAS_RESULT and order.result_gone_at is None
    return there and order.money != "refunded"


def begin(session: Session, order: Order) -> None:
    """Put an order with a result into its product's line; asked again before that has ended, once."""
    order.cancel_asked_at = None
    key = f"analysis.renew:{order.id}:{len(_ended(session, order.id))}"
    portal.jobs.enqueue(session, "analysis.renew", order.id, key=key)


def finish(order_id: str, outcome: Outcome) -> None:
    """Write down how it ended, once, and have the new result take the place of the old one."""
    with portal.database.transaction() as session:
        order = lock(session, order_id)
        if any(entry.data["ended_at"] == outcome["at"] for entry in _ended(session, order_id)):
            return
        if order.result_gone_at is not None:  # its time was over meanwhile: what this has stored goes as well
            portal.jobs.enqueue(session, "privacy.files", order.id, key=f"privacy.files:{order.id}:{outcome['at']}")
            return
        done = outcome["event"] == "analysed"
        facts = {"ended_at": outcome["at"], "cause": outcome["cause"]}
        record(session, order.id, RENEWED if done else NOT_RENEWED, "worker", portal.clock(), **facts)
        if not done:
            order.attention = order.attention or FAILED
            return
        for name, value in columns_of(outcome).items():
            setattr(order, name, value)
        if order.money in PAID:
            job = "delivery.rebuild" if order.state == "delivered" else "delivery.build"
            portal.jobs.enqueue(session, job, order.id, key=f"{job}:{order.id}:{outcome['at']}")


def _ended(session: Session, order_id: str) -> list[AuditEntry]:
    query = select(AuditEntry).where(AuditEntry.order_id == order_id, AuditEntry.kind.in_((RENEWED, NOT_RENEWED)))
    return list(session.scalars(query))
