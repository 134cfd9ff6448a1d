"""Writing and checking the staff log (AC-S05): every entry holds the digest of the one before.

Whoever changes or takes away an entry breaks the chain; the database refuses both (triggers of migration 0010). Cut
off at the end or made anew as a whole, it no longer fits the digest that the daily check writes into the portal's log.
"""

import hashlib
import json
from datetime import datetime
from typing import Any

import structlog
from flask import has_request_context, request
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.database import insert_once
from app.login.people import person
from app.models import Mark, StaffLogEntry
from app.portal import portal

HEAD = "staff_log"  # name of the mark that holds the last number and digest
NOTHING = "0" * 64  # what the first entry follows
COMMAND_LINE = "command line"  # what whoever has a shell on the server does by `flask portal`
BATCH = 1000

log = structlog.get_logger()


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
    """Append what the member of staff who is looking does, in the transaction of what they do.

    `action` is noun.verb, `subject` what it is done to (`order:<OrderID>`, `staff:<address>`, `event:<id>`). Of
    `before` and `after` (JSON) digests are kept, so nobody's data has to be deleted from here; for the same reason
    `data` holds no customer's data.
    """
    who, at = person(), portal.clock()
    insert_once(session, Mark, name=HEAD, value=f"0 {NOTHING}", at=at)
    # One after the other: the mark's row is locked until the transaction ends.
    value = session.scalars(update(Mark).where(Mark.name == HEAD).values(at=at).returning(Mark.value)).one()
    seq, previous = value.split()
    entry = StaffLogEntry(
        seq=int(seq) + 1,
        at=at,
        member=who.email if who else COMMAND_LINE,
        role=(who and who.role) or "",
        network=request.remote_addr if has_request_context() else None,
        action=action,
        object=subject,
        reason=reason,
        data=data,
        before=None if before is None else _digest(before),
        after=None if after is None else _digest(after),
        previous=previous,
        digest="",
    )
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
    head = session.scalar(select(Mark.value).where(Mark.name == HEAD)) or f"0 {NOTHING}"
    last, digest = int(head.split()[0]), head.split()[1]
    seq, previous = 0, NOTHING
    while seq < last:
        query = select(StaffLogEntry).where(StaffLogEntry.seq.between(seq + 1, min(seq + BATCH, last)))
        entries = session.scalars(query.order_by(StaffLogEntry.seq).execution_options(populate_existing=True)).all()
        for entry in entries:
            if (entry.seq, entry.previous, entry.digest) != (seq + 1, previous, digest_of(entry)):
                return seq + 1
            seq, previous = entry.seq, entry.digest
        if not entries:
            return seq + 1
        session.expunge_all()
    log.info("staff_log.checked", entries=seq, digest=previous)
    return None if previous == digest else last


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()
