"""Who is a member of staff; written by operators from the shell."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import StaffMember

ROLES = ("viewer", "support", "refunder", "admin")


def add_staff(session: Session, email: str, role: str, now: datetime) -> str | None:
    """Make a canonical address an active member with a role; return the role before, or None.

    An open session of the address keeps what it was: the next login makes it a staff session.
    """
    member = session.get(StaffMember, email)
    if member is None:
        session.add(StaffMember(email=email, role=role, created_at=now))
        return None
    before = member.role if member.disabled_at is None else None
    member.role, member.disabled_at = role, None
    return before


def all_staff(session: Session) -> list[StaffMember]:
    """Return every member, disabled ones included, by address."""
    return list(session.scalars(select(StaffMember).order_by(StaffMember.email)))
