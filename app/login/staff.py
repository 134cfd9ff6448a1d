"""Who is a member of staff; written by operators from the shell."""

from datetime import datetime

import structlog
from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.orm import Session

from app.kit.addresses import masked
from app.login.sessions import end_all_sessions
from app.models import RecoveryCode, StaffMember

ROLES = ("viewer", "support", "refunder", "admin")

log = structlog.get_logger()


def add_staff(session: Session, email: str, role: str, now: datetime) -> str | None:
    """Make a canonical address an active member with a role; return the role before, or None.

    An open session of the address keeps what it was: the next login makes it a staff session. A member who was
    disabled comes back with the second factor of before.
    """
    log.warning("staff.added", account=masked(email), role=role)
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


def disable_staff(session: Session, email: str, now: datetime) -> int | None:
    """Put a member out at once (AC-S08); return how many sessions ended, or None where there is no active member."""
    if not _change(session, email, disabled_at=now):
        return None
    log.warning("staff.disabled", account=masked(email))
    return end_all_sessions(session, email, now)


def reset_factor(session: Session, email: str, now: datetime) -> int | None:
    """Forget phone and recovery codes of a member, who sets up a new phone at the next login.

    Returns how many sessions ended, or None where there is no active member.
    """
    if not _change(session, email, totp_secret=None, totp_step=None, wrong_codes=0, wrong_since=None):
        return None
    log.warning("staff.factor_reset", account=masked(email))
    session.execute(delete(RecoveryCode).where(RecoveryCode.email == email))
    return end_all_sessions(session, email, now)


def _change(session: Session, email: str, **values: object) -> bool:
    done = session.execute(
        update(StaffMember)
        .where(StaffMember.email == email, StaffMember.disabled_at.is_(None))
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return isinstance(done, CursorResult) and done.rowcount == 1
