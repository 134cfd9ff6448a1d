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

    An address with an active row in `staff` gets a staff session: shorter, and without any right until the second
    factor is given (`exchange_session`).
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


def exchange_session(session: Session, session_id: str, now: datetime) -> str | None:
    """Give a staff session a new secret and row, since the second factor was given just now (AC-L12).

    The old row ends: a copy of its cookie gains nothing. The new one began when the old one did, so its absolute
    life is no longer. Returns the new cookie's secret, or None where the session was ended meanwhile: of several
    calls at once one gets the new one.
    """
    row = session.get(LoginSession, session_id)
    if row is None or row.kind != "staff" or not end_session(session, row.email, row.id, now):
        return None
    secret = new_secret()
    session.add(
        LoginSession(
            id=digest(secret),
            email=row.email,
            kind=row.kind,
            ip=row.ip,
            user_agent=row.user_agent,
            created_at=row.created_at,
            seen_at=now,
            proved_at=now,
            second_factor_at=now,
        )
    )
    return secret


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


def end_all_sessions(session: Session, email: str, now: datetime, *, but: str = "") -> int:
    """End every session of an address, except that of the cookie's secret `but`; returns how many there were."""
    return _end(session, now, LoginSession.email == email, LoginSession.id != digest(but))


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
