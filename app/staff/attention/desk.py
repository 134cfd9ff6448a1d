"""What staff do with a thing of the inbox: take it, let go of it, close it with a reason, open it again.

Each is one conditional UPDATE: of two people who do it at once, one has done it, and the other is told.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, update
from sqlalchemy.orm import Session

from app.database import insert_once
from app.models import Attention
from app.orders.lifecycle import record
from app.staff.attention.thing import Thing
from app.staff.log import write

LONGEST_OBJECT = 200  # characters that the staff log has room for


def take(session: Session, thing: Thing, member: str, seen: str, now: datetime) -> bool:
    """Make a thing the member's; `seen` is who had it on the page that was sent ("": nobody).

    Returns whether it is theirs now: not where somebody else has taken it since, or closed it.
    """
    insert_once(session, Attention, kind=thing.kind, subject=thing.subject)
    fresh = Attention.closed_at < thing.since  # closed once, and come up anew
    held = or_(fresh, Attention.closed_at.is_(None) & (func.coalesce(Attention.taken_by, "") == seen))
    values = {"taken_by": member, "taken_at": now, "closed_by": None, "closed_at": None, "reason": None}
    if not _set(session, thing.kind, thing.subject, held, values):
        return False
    _log(session, "attention.taken", thing.kind, thing.subject, order=thing.order_id, before=seen or None)
    return True


def let_go(session: Session, thing: Thing, member: str) -> bool:
    """Let somebody else take what the member has; returns whether they had it."""
    mine = Attention.closed_at.is_(None) & (Attention.taken_by == member)
    if not _set(session, thing.kind, thing.subject, mine, {"taken_by": None, "taken_at": None}):
        return False
    _log(session, "attention.let_go", thing.kind, thing.subject, order=thing.order_id)
    return True


def close(session: Session, thing: Thing, member: str, reason: str, now: datetime) -> bool:
    """Put a thing away, with the reason; returns whether it was open."""
    insert_once(session, Attention, kind=thing.kind, subject=thing.subject)
    is_open = or_(Attention.closed_at.is_(None), Attention.closed_at < thing.since)
    values = {"closed_by": member, "closed_at": now, "reason": reason}
    if not _set(session, thing.kind, thing.subject, is_open, values):
        return False
    if thing.order_id:
        record(session, thing.order_id, "staff.attention_closed", f"staff:{member}", now, what=thing.kind)
    _log(session, "attention.closed", thing.kind, thing.subject, order=thing.order_id, reason=reason)
    return True


def reopen(session: Session, kind: str, subject: str) -> bool:
    """Bring back what was closed by mistake; returns whether it was closed. What is gone by itself stays gone."""
    values = {"closed_by": None, "closed_at": None, "reason": None, "taken_by": None, "taken_at": None}
    if not _set(session, kind, subject, Attention.closed_at.is_not(None), values):
        return False
    _log(session, "attention.reopened", kind, subject)
    return True


def _set(session: Session, kind: str, subject: str, condition: ColumnElement[bool], values: dict[str, Any]) -> bool:
    done = session.execute(
        update(Attention)
        .where(Attention.kind == kind, Attention.subject == subject, condition)
        .values(values)
        .execution_options(synchronize_session=False)
    )
    return bool(done.rowcount == 1)  # type: ignore[attr-defined]


def _log(session: Session, action: str, kind: str, subject: str, **more: Any) -> None:  # noqa: ANN401  (JSON)
    write(session, action, f"{kind}:{subject}"[:LONGEST_OBJECT], **more)
