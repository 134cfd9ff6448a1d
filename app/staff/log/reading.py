"""The staff log as its viewer asks for it: by member, action and object, newest first, a page at a time."""

from dataclasses import asdict, dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import StaffLogEntry

PAGE = 50


@dataclass(frozen=True)
class Asked:
    """What the address asks for; each part as it stands in the entries, or empty for all."""

    member: str = ""
    action: str = ""
    object: str = ""


@dataclass(frozen=True)
class Page:
    """Entries, newest first; `older`: the number after which the next page goes on, or None."""

    entries: list[StaffLogEntry]
    older: int | None


def page_of(session: Session, asked: Asked, before: int | None = None) -> Page:
    """Return the entries that fit, older than entry number `before` where it is given."""
    query = select(StaffLogEntry).order_by(StaffLogEntry.seq.desc()).limit(PAGE + 1)
    for name, value in asdict(asked).items():
        if value:
            query = query.where(getattr(StaffLogEntry, name) == value)
    if before is not None:
        query = query.where(StaffLogEntry.seq < before)
    found = list(session.scalars(query))
    return Page(found[:PAGE], found[PAGE - 1].seq if len(found) > PAGE else None)
