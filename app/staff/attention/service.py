"""The inbox: what needs attention now, oldest first, without what somebody has closed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import Session

from app.models import Attention
from app.staff.attention.dead_jobs import dead_jobs
from app.staff.attention.kinds import JOB, SILENCE
from app.staff.attention.sources import SOURCES, Rows
from app.staff.attention.thing import Asked, Thing
from app.webhooks.missed import LOOK_BACK, last_event_at, silent_payments

MOST = 50  # of one source; more show up when these are dealt with
CLOSED_SHOWN = 50


@dataclass(frozen=True)
class Inbox:
    """`more`: a source has more than MOST."""

    things: list[Thing]
    more: bool


def inbox(session: Session, asked: Asked, now: datetime) -> Inbox:
    """Return what needs attention, as asked."""
    found = [_by_sql(session, rows(now), asked) for rows in SOURCES]
    found.append(_others(session, asked, now))
    things = sorted((thing for each in found for thing in each[:MOST]), key=lambda thing: thing.since)
    return Inbox(things, more=any(len(each) > MOST for each in found))


def thing_of(session: Session, kind: str, subject: str, now: datetime) -> Thing | None:
    """Return one thing, or None where it is closed or gone by itself."""
    return next(iter(inbox(session, Asked(kind, subject), now).things), None)


def closed(session: Session) -> Sequence[Attention]:
    """Return what was closed last."""
    query = select(Attention).where(Attention.closed_at.is_not(None))
    return session.scalars(query.order_by(Attention.closed_at.desc()).limit(CLOSED_SHOWN)).all()


def _by_sql(session: Session, rows: Rows, asked: Asked) -> list[Thing]:
    """Read a source, at most one more than MOST."""
    found = rows.subquery()
    said = and_(Attention.kind == found.c.kind, Attention.subject == found.c.subject)
    taken_by = case((Attention.closed_at.is_(None), Attention.taken_by))
    query = (
        select(
            found.c.kind, found.c.subject, found.c.since, found.c.order_id, found.c.told, found.c.about,
            taken_by, Attention.taken_at,
        )
        .outerjoin(Attention, said)
        .where(or_(Attention.closed_at.is_(None), Attention.closed_at < found.c.since))
        .order_by(found.c.place)
        .limit(MOST + 1)
    )  # fmt: skip
    if asked.kind:
        query = query.where(found.c.kind == asked.kind)
    if asked.subject:
        query = query.where(found.c.subject == asked.subject)
    if asked.member is not None:
        query = query.where(func.coalesce(taken_by, "") == asked.member)
    return [Thing(*row) for row in session.execute(query)]


def _others(session: Session, asked: Asked, now: datetime) -> list[Thing]:
    """Return what no query of ours finds, oldest first."""
    things = [
        *(_silence(session, now) if asked.kind in {"", SILENCE} else []),
        *(dead_jobs(session) if asked.kind in {"", JOB} else []),
    ]
    said = select(Attention).where(Attention.subject.in_([thing.subject for thing in things]))
    rows = {(row.kind, row.subject): row for row in session.scalars(said)} if things else {}
    known = (_with(thing, rows.get((thing.kind, thing.subject))) for thing in things)
    wanted = [thing for thing in known if thing is not None and asked.wants(thing)]
    return sorted(wanted, key=lambda thing: thing.since)


def _silence(session: Session, now: datetime) -> list[Thing]:
    payments = silent_payments(session, now)
    since = last_event_at(session) or now - LOOK_BACK
    return [Thing(SILENCE, "stripe", since, about=str(payments))] if payments else []


def _with(thing: Thing, said: Attention | None) -> Thing | None:
    """Return a thing with who has taken it, or None where it is closed."""
    if said is None or (said.closed_at is not None and said.closed_at < thing.since):
        return thing
    return replace(thing, taken_by=said.taken_by, taken_at=said.taken_at) if said.closed_at is None else None
