"""The daily check of the staff log (AC-S05): that every entry is still there, as it was written.

What was whole yesterday must be the same today: number and digest of the last entry are kept as a mark, and written
into the portal's own log, which goes to another machine. So a chain that somebody made anew as a whole shows too.
"""

from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.database import insert_once
from app.models import Finding, Mark, StaffLogEntry
from app.portal import portal
from app.recovery.report import LOG_BROKEN, close_unseen, find
from app.staff.log.chain import HEAD, broken_at, read_mark

CHECKED = "staff_log.checked"  # name of the mark that holds the last number and digest that were found right

log = structlog.get_logger()


@dataclass(frozen=True)
class Standing:
    """What the last check found: when the chain was whole and how many entries it had; where it is broken, if it is."""

    checked_at: datetime | None
    entries: int
    broken: str | None


def check() -> int | None:
    """Walk the chain; return the number of the first entry that does not fit, or None. A broken one is a finding."""
    begun = portal.clock()
    with portal.database.transaction() as session:
        known, head = _marked(session, CHECKED), _marked(session, HEAD)
        broken = broken_at(session) or _changed_since(session, *known)
        if broken is None:
            _keep(session, *head)
    if broken is None:
        log.info("staff_log.whole", entries=head[0], digest=head[1])
    else:
        find(LOG_BROKEN, f"entry {broken}")
    close_unseen((LOG_BROKEN,), begun)
    return broken


def standing(session: Session) -> Standing:
    """Return what the last check found."""
    mark = session.get(Mark, CHECKED)
    entries = read_mark(mark.value if mark else None)[0]
    found = select(Finding.subject).where(Finding.kind == LOG_BROKEN, Finding.closed_at.is_(None))
    return Standing(mark.at if mark else None, entries, session.scalar(found))


def _marked(session: Session, name: str) -> tuple[int, str]:
    return read_mark(session.scalar(select(Mark.value).where(Mark.name == name)))


def _changed_since(session: Session, seq: int, digest: str) -> int | None:
    if seq == 0:
        return None
    entry = session.get(StaffLogEntry, seq)
    return None if entry is not None and entry.digest == digest else seq


def _keep(session: Session, seq: int, digest: str) -> None:
    now, value = portal.clock(), f"{seq} {digest}"
    if not insert_once(session, Mark, name=CHECKED, value=value, at=now):
        session.execute(update(Mark).where(Mark.name == CHECKED).values(value=value, at=now))
