"""Who is a member of staff, with which role: what administrators do on the page, and operators from the shell.

Every change is in the staff log, in its own transaction.
"""

from collections import defaultdict
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from app.errors import ConflictError
from app.kit.addresses import masked
from app.kit.ids import new_id
from app.login.sessions import end_all_sessions, end_session, is_live
from app.mail.service import queue_account_mail
from app.models import LoginSession, RecoveryCode, StaffMember
from app.staff.log import write
from app.staff.view_as.service import end_all

MOST_SHOWN = 100  # members on a page, each with forms of its own

log = structlog.get_logger()


class LastAdminError(ConflictError):
    """Without this member nobody could change who is staff, but by the shell."""

    code = "last_admin"


class KnownMemberError(ConflictError):
    """The address is a member's already."""

    code = "known_member"


class NoMemberError(ConflictError):
    """There is no active member with this address, or none any more."""

    code = "no_member"


def add_staff(session: Session, email: str, role: str, now: datetime) -> str | None:
    """Make a canonical address an active member with a role; return the role before, or None.

    An open session of the address keeps what it was: the next login makes it a staff session. A member who was
    disabled comes back with the second factor of before.
    """
    member = session.get(StaffMember, email, with_for_update=True)
    before = member.role if member is not None and member.disabled_at is None else None
    if before == role:
        return before
    if member is None:
        session.add(StaffMember(email=email, role=role, created_at=now))
    else:
        member.role, member.disabled_at = role, None
    session.flush()
    end_all(session, email, now)
    _logged(session, "role" if before else "add", email, before=before, after=role, role=role)
    return before


def invite(session: Session, email: str, role: str, by: str, locale: str, now: datetime) -> None:
    """Make a canonical address a member and mail it how to begin; once more while it has no phone yet.

    Raises KnownMemberError for one that has begun, and for one that was disabled: that one is enabled instead.
    """
    member = session.get(StaffMember, email, with_for_update=True)
    if member is None:
        member = StaffMember(email=email, role=role, invited_by=by, created_at=now)
        session.add(member)
    elif member.disabled_at is not None or member.totp_secret is not None:
        raise KnownMemberError
    member.role, member.invited_by = role, by
    queue_account_mail(session, "staff_invited", email, locale, params={"invitation": new_id()})
    _logged(session, "invite", email, role=role)


def change_role(session: Session, email: str, role: str, now: datetime) -> None:
    """Give an active member another role at once. Raises NoMemberError, LastAdminError."""
    _keep_an_admin(session, email, role)
    member = session.get(StaffMember, email)
    before = member.role if member else None
    if not _change(session, StaffMember.email == email, StaffMember.disabled_at.is_(None), role=role):
        raise NoMemberError
    end_all(session, email, now)
    _logged(session, "role", email, before=before, after=role, role=role)


def put_out(session: Session, email: str, now: datetime) -> int:
    """Disable a member, whose sessions end (AC-S08); return how many. Raises NoMemberError, LastAdminError."""
    _keep_an_admin(session, email)
    ended = disable_staff(session, email, now)
    if ended is None:
        raise NoMemberError
    return ended


def disable_staff(session: Session, email: str, now: datetime) -> int | None:
    """Put a member out at once (AC-S08); return how many sessions ended, or None where there is no active member."""
    if not _change(session, StaffMember.email == email, StaffMember.disabled_at.is_(None), disabled_at=now):
        return None
    ended = end_all_sessions(session, email, now)
    _logged(session, "disable", email, sessions=ended)
    return ended


def enable(session: Session, email: str) -> None:
    """Let a disabled member in again, with the role and the phone of before. Raises NoMemberError."""
    if not _change(session, StaffMember.email == email, StaffMember.disabled_at.is_not(None), disabled_at=None):
        raise NoMemberError
    _logged(session, "enable", email)


def reset_factor(session: Session, email: str, now: datetime) -> int | None:
    """Forget phone and recovery codes of a member, who sets up a new phone at the next login.

    Returns how many sessions ended, or None where there is no active member.
    """
    no_factor = {"totp_secret": None, "totp_step": None, "wrong_codes": 0, "wrong_since": None}
    if not _change(session, StaffMember.email == email, StaffMember.disabled_at.is_(None), **no_factor):
        return None
    session.execute(delete(RecoveryCode).where(RecoveryCode.email == email))
    ended = end_all_sessions(session, email, now)
    _logged(session, "reset_factor", email, sessions=ended)
    return ended


def end_logins(session: Session, email: str, chosen: str, now: datetime) -> int:
    """End one session of a member by its id, or all where `chosen` is empty; return how many. Raises NoMemberError."""
    if session.get(StaffMember, email) is None:
        raise NoMemberError
    ended = int(end_session(session, email, chosen, now)) if chosen else end_all_sessions(session, email, now)
    if ended:
        _logged(session, "end_sessions", email, sessions=ended)
    return ended


def all_staff(session: Session) -> list[StaffMember]:
    """Return every member, disabled ones included, by address."""
    return list(session.scalars(select(StaffMember).order_by(StaffMember.email)))


def found_staff(session: Session, piece: str) -> tuple[list[StaffMember], int]:
    """Return the newest members whose address holds a piece, `MOST_SHOWN` at most, and how many there are."""
    holding = StaffMember.email.contains(piece, autoescape=True)
    newest = select(StaffMember).where(holding).order_by(StaffMember.created_at.desc(), StaffMember.email)
    count = session.scalar(select(func.count()).select_from(StaffMember).where(holding))
    return list(session.scalars(newest.limit(MOST_SHOWN))), count or 0


def logins(session: Session, now: datetime) -> dict[str, list[LoginSession]]:
    """Return the live sessions of all members by address, the latest used first."""
    mine = LoginSession.email.in_(select(StaffMember.email))
    rows = session.scalars(
        select(LoginSession).where(mine, LoginSession.ended_at.is_(None)).order_by(LoginSession.seen_at.desc())
    )
    found: dict[str, list[LoginSession]] = defaultdict(list)
    for row in rows:
        if is_live(row, now):
            found[row.email].append(row)
    return found


def _keep_an_admin(session: Session, email: str, role: str = "") -> None:
    """Raise where nobody would be left who may change this. The rows are locked: of two at once one learns it."""
    active_admin = (StaffMember.role == "admin", StaffMember.disabled_at.is_(None))
    session.execute(select(StaffMember.email).where(*active_admin).order_by(StaffMember.email).with_for_update())
    here = update(StaffMember).where(*active_admin).values(role="admin").returning(StaffMember.email)  # SQLite's lock
    admins = set(session.scalars(here.execution_options(synchronize_session=False)))
    if role != "admin" and admins == {email}:
        raise LastAdminError


def _change(session: Session, *which: ColumnElement[bool], **values: object) -> bool:
    done = update(StaffMember).where(*which).values(**values).returning(StaffMember.email)
    return session.scalars(done.execution_options(synchronize_session=False)).one_or_none() is not None


def _logged(session: Session, verb: str, email: str, **told: Any) -> None:  # noqa: ANN401  (as `write` takes it)
    log.warning("staff.changed", deed=verb, account=masked(email), **told)
    write(session, f"staff.{verb}", f"staff:{email}", **told)
