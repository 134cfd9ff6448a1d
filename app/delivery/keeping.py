"""The last day of a result: the mail before it, thirty days more for whoever wants them; closing its downloads.

Nothing that is paid for is deleted before its customer was written to, seven days ahead: `app.privacy.retention` asks
for that mail.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, exists, select, update
from sqlalchemy.orm import Session

from app.errors import ConflictError
from app.kit.clock import JST, last_moment
from app.kit.ids import new_id
from app.mail.service import OrderMail, queue_mail
from app.models import Mail, Order
from app.orders.keeping import kept_longer, last_day
from app.orders.lifecycle import record
from app.orders.states import PAID
from app.portal import portal

NOTICE = timedelta(days=7)
# A last day ends at midnight in Japan, so this is from nine in the morning seven days before.
AHEAD = NOTICE + timedelta(hours=15)
HOURS = range(9, 20)  # JST: at these hours a mail is no bother
BATCH = 200
KIND: OrderMail = "results_go_soon"


def keep_longer(session: Session, order: Order, seen: str) -> None:
    """Keep a result for thirty days more than `seen`, the last day (ISO 8601) that its customer was shown.

    Asked twice, once. Raises ConflictError where it can't be kept any longer.
    """
    if order.kept_until is None or order.kept_until.isoformat() != seen:
        return  # done before
    longer = kept_longer(order)
    if longer is None:
        raise ConflictError
    if _move(session, order.id, order.kept_until, longer):
        record(session, order.id, "result.kept", "customer", portal.clock(), until=longer.isoformat())


def extend(session: Session, order: Order, days: int) -> datetime:
    """Keep a delivered result for so many days more, as staff may; the order's row must be locked.

    Returns the new last day. Raises ConflictError where there is no result to keep.
    """
    until = last_moment((order.kept_until or portal.clock()) + timedelta(days=days))
    if not _move(session, order.id, order.kept_until, until):
        raise ConflictError
    return until


def close_downloads(session: Session, order: Order, since: datetime | None) -> None:
    """Close the downloads of an order, or open them again (None); the order's row must be locked."""
    order.downloads_closed_at = since
    rewrite_record(session, order.id)


def rewrite_record(session: Session, order_id: str) -> None:
    """Have the order's record in the object store say what the row says."""
    portal.jobs.enqueue(session, "orders.record", order_id, key=f"orders.record:{order_id}:{new_id()}")


def _move(session: Session, order_id: str, was: datetime | None, until: datetime) -> bool:
    """Give a result another last day and have its manifest say so; returns whether this call did."""
    here = Order.kept_until.is_(None) if was is None else Order.kept_until == was
    statement = update(Order).where(Order.id == order_id, here, _STILL_THERE).values(kept_until=until)
    done = session.execute(statement.execution_options(synchronize_session=False))
    if done.rowcount != 1:  # type: ignore[attr-defined]
        return False
    rewrite_record(session, order_id)
    return True


_STILL_THERE = and_(Order.state == "delivered", Order.result_gone_at.is_(None))


def told() -> ColumnElement[bool]:
    """Match orders whose customer was written to about the last day that their row has now."""
    mail = and_(Mail.order_id == Order.id, Mail.kind == KIND, Mail.expires_at == Order.kept_until)
    return exists().where(mail).correlate(Order)


def give_notice() -> int:
    """Write to everybody whose result goes in seven days, once for each last day; returns to how many."""
    now = portal.clock()
    _each(_without_last_day(), lambda session, order: _give_last_day(session, order, now))
    if now.astimezone(JST).hour not in HOURS:
        return 0
    return _each(_due(now), lambda session, order: _write(session, order, now))


def _without_last_day() -> Select[Order]:
    """Find what was delivered before results had a last day."""
    return select(Order).where(_STILL_THERE, Order.kept_until.is_(None), Order.delivered_at.is_not(None))


def _give_last_day(session: Session, order: Order, now: datetime) -> None:
    delivered_at = order.delivered_at or now
    _move(session, order.id, None, max(last_day(order, delivered_at), last_moment(now + NOTICE)))


def _due(now: datetime) -> Select[Order]:
    return select(Order).where(_STILL_THERE, Order.money.in_(PAID), Order.kept_until <= now + AHEAD, ~told())


def _write(session: Session, order: Order, now: datetime) -> None:
    """Queue the mail; where it comes late, for no worker ran, the result is kept until its seven days are over."""
    until = max(order.kept_until or now, last_moment(now + NOTICE))
    if until != order.kept_until:
        if not _move(session, order.id, order.kept_until, until):
            return
        session.refresh(order)
    queue_mail(session, KIND, order, once=until.astimezone(JST).date().isoformat(), expires_at=until)


def _each(query: Select[Order], work: Callable[[Session, Order], None]) -> int:
    """Do something about each order that a query finds and that is not found any more then, a batch a transaction."""
    total = 0
    while True:
        with portal.database.transaction() as session:
            found = session.scalars(query.limit(BATCH)).all()
            for order in found:
                work(session, order)
        total += len(found)
        if len(found) < BATCH:
            return total
