"""Logged-in browsers, kept on the server so that logging out really ends them (AC-L13).

The cookie holds 256 random bits, the row only their digest (AC-L10). How long a session lasts is the table
LIVES (AC-L15); there is no other "remember me".
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, and_, select, update
from sqlalchemy.orm import Session

from app.kit.ids import digest, new_secret
from app.models import LoginSession, StaffMember

TOUCH_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Life:
    """How long a session lasts: without any request, and in all."""

    idle: timedelta
    absolute: timedelta


LIVES = {
    "customer": Life(idle=timedelta(days=14), absolute=timedelta(days=30)),
    "staff": Life(idle=timedelta(minutes=30), absolute=timedelta(hours=8)),
}


def start_session(session: Session, email: str, ip: str, user_agent: str, now: datetime) -> tuple[str, LoginSession]:
    """Open a session for a proven address; return the cookie's secret and the row.

    An address with an active row in `staff` gets a staff session: shorter, and with the role's rights.
    """
    secret = new_secret()
    row = LoginSession(
        id=digest(secret),
        email=email,
        kind="staff" if _active_member(session, email) else "customer",
        ip=ip,
        user_agent=user_agent,
        created_at=now,
        seen_at=now,
        proved_at=now,
    )
    session.add(row)
    return secret, row


def find_session(session: Session, secret: str, now: datetime) -> tuple[LoginSession, str | None] | None:
    """Return the live session of a cookie's secret with the staff role, or None.

    A staff session without an active member row is nobody's: a disabled member is out at once.
    """
    found = session.execute(
        select(LoginSession, StaffMember.role)
        .outerjoin(
            StaffMember,
            and_(
                LoginSession.kind == "staff",
                StaffMember.email == LoginSession.email,
                StaffMember.disabled_at.is_(None),
            ),
        )
        .where(LoginSession.id == digest(secret))
    ).one_or_none()
    if found is None:
        return None
    row, role = found
    if not is_live(row, now) or (row.kind == "staff" and role is None):
        return None
    return row, role


def is_live(row: LoginSession, now: datetime) -> bool:
    """Tell whether a session still stands."""
    life = LIVES[row.kind]
    return row.ended_at is None and now < row.seen_at + life.idle and now < row.created_at + life.absolute


def touch(session: Session, row: LoginSession, now: datetime) -> None:
    """Note that the session was used; other requests may do the same at once, the newest time stays."""
    session.execute(
        update(LoginSession)
        .where(LoginSession.id == row.id, LoginSession.ended_at.is_(None), LoginSession.seen_at < now)
        .values(seen_at=now)
    )


def live_sessions(session: Session, email: str, now: datetime) -> list[LoginSession]:
    """Return the live sessions of an address, the latest used first."""
    rows = session.scalars(
        select(LoginSession)
        .where(LoginSession.email == email, LoginSession.ended_at.is_(None))
        .order_by(LoginSession.seen_at.desc())
    )
    return [row for row in rows if is_live(row, now)]


def end_session(session: Session, email: str, session_id: str, now: datetime) -> bool:
    """End one session of an address; returns whether this call ended it."""
    return _end(session, now, LoginSession.email == email, LoginSession.id == session_id) == 1


def end_all_sessions(session: Session, email: str, now: datetime) -> int:
    """End every session of an address; returns how many there were."""
    return _end(session, now, LoginSession.email == email)


def _end(session: Session, now: datetime, *which: object) -> int:
    done = session.execute(
        update(LoginSession)
        .where(*which, LoginSession.ended_at.is_(None))  # type: ignore[arg-type]
        .values(ended_at=now)
        .execution_options(synchronize_session=False)
    )
    return done.rowcount if isinstance(done, CursorResult) else 0


def _active_member(session: Session, email: str) -> bool:
    member = session.get(StaffMember, email)
    return member is not None and member.disabled_at is None
