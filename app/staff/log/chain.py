"""Writing and checking the staff log (AC-S05): every entry holds the digest of the one before.

Whoever changes or takes away an entry breaks the chain; the database refuses both (triggers of migration 0010). Cut
off at the end or made anew as a whole, it no longer fits the digest that the daily check writes into the portal's log.
"""

import hashlib
import json
from datetime import datetime
from typing import Any

from flask import has_request_context, request
from sqlalchemy import ScalarSelect, func, select, update
from sqlalchemy.orm import Session

from app.database import insert_once
from app.login.people import person
from app.models import Mark, StaffLogEntry
from app.portal import portal

HEAD = "staff_log"  # name of the mark that holds the last number and digest
NOTHING = "0" * 64  # what the first entry follows
COMMAND_LINE = "command line"  # what whoever has a shell on the server does by `flask portal`
BATCH = 1000


def write(
    session: Session,
    action: str,
    subject: str,
    *,
    reason: str | None = None,
    before: object = None,
    after: object = None,
    **data: Any,  # noqa: ANN401  (JSON)
) -> None:
    """Append what the member of staff who is looking does, in the transaction of what they do, as its last deed.

    `action` is noun.verb, `subject` what it is done to (`order:<OrderID>`, `staff:<address>`, `event:<id>`). Of
    `before` and `after` (JSON) digests are kept, so nobody's data has to be deleted from here; for the same reason
    `data` holds no customer's data.
    """
    who = person()
    _append(
        session,
        member=who.email if who else COMMAND_LINE,
        role=(who and who.role) or "",
        network=request.remote_addr if has_request_context() else None,
        action=action,
        object=subject,
        reason=reason,
        data=data,
        before=None if before is None else _digest(before),
        after=None if after is None else _digest(after),
    )


def write_for(session: Session, member: str, action: str, subject: str, **data: Any) -> None:  # noqa: ANN401  (JSON)
    """Append what follows by itself from what a member of staff did, such as the end of a time."""
    _append(session, member=member, role="", action=action, object=subject, data=data)


def _append(session: Session, **columns: Any) -> None:  # noqa: ANN401  (columns)
    at = portal.clock()
    insert_once(session, Mark, name=HEAD, value=f"0 {NOTHING}", at=at)
    # One after the other: the mark's row is locked until the transaction ends.
    value = session.scalars(update(Mark).where(Mark.name == HEAD).values(at=at).returning(Mark.value)).one()
    seq, previous = read_mark(value)
    entry = StaffLogEntry(seq=seq + 1, at=at, previous=previous, **columns)
    entry.digest = digest_of(entry)
    session.add(entry)
    session.flush()
    session.execute(update(Mark).where(Mark.name == HEAD).values(value=f"{entry.seq} {entry.digest}"))


def digest_of(entry: StaffLogEntry) -> str:
    """Return the digest that an entry must carry."""
    columns = [column.key for column in StaffLogEntry.__mapper__.column_attrs if column.key != "digest"]
    return _digest({name: _plain(getattr(entry, name)) for name in columns})


def broken_at(session: Session) -> int | None:
    """Walk the whole chain; return the number of the first entry that does not fit, or None."""
    # In one statement, so that both are of one moment.
    head, most = session.execute(select(_mark(HEAD), select(func.max(StaffLogEntry.seq)).scalar_subquery())).one()
    last, digest = read_mark(head)
    seq, previous = 0, NOTHING
    while seq < last:
        query = select(StaffLogEntry).where(StaffLogEntry.seq.between(seq + 1, min(seq + BATCH, last)))
        entries = session.scalars(query.order_by(StaffLogEntry.seq)).all()
        for entry in entries:
            if (entry.seq, entry.previous, entry.digest) != (seq + 1, previous, digest_of(entry)):
                return seq + 1
            seq, previous = entry.seq, entry.digest
        if not entries:
            return seq + 1
        session.expunge_all()
    if previous != digest:
        return last
    return None if (most or 0) == last else last + 1


def read_mark(value: str | None) -> tuple[int, str]:
    """Return number and digest of the entry that a mark names; without a mark those before the first one."""
    seq, digest = (value or f"0 {NOTHING}").split()
    return int(seq), digest


def _mark(name: str) -> ScalarSelect[str]:
    return select(Mark.value).where(Mark.name == name).scalar_subquery()


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()
