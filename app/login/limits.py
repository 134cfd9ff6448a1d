"""How often a login mail may be asked for (AC-L08, AC-L22).

Counted in the database, so that all processes share the count. Entering a code that was already sent is
never limited by these.
"""

from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.orm import Session

from app.errors import TooManyError
from app.models import LoginRequest

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
PER_ADDRESS = ((6, HOUR), (15, DAY))
PER_NETWORK = (20, HOUR)
IN_ALL = (300, HOUR)

_LOCK = 0x4C4F47494E  # "LOGIN": the number of our advisory lock in PostgreSQL

log = structlog.get_logger()


def limit_key(email: str) -> str:
    """Return what mails to an address are counted under: without +tag and dots, which many providers ignore.

    Only for counting; the identity is the whole address.
    """
    local, _, domain = email.partition("@")
    return f"{local.partition('+')[0].replace('.', '')}@{domain}"


def one_at_a_time(session: Session) -> None:
    """Let one transaction count and insert at a time: parallel asks would each see room for one more mail."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    else:
        # Any writing statement takes SQLite's one write lock.
        session.execute(text("UPDATE login_requests SET attempts = attempts WHERE id = ''"))


def check_network(session: Session, network: str, now: datetime) -> None:
    """Raise TooManyError when one network, or everybody together, asked too often."""
    count, oldest = _asked(session, now - PER_NETWORK[1], LoginRequest.ip == network)
    if count >= PER_NETWORK[0]:
        raise TooManyError(_seconds_until(oldest, PER_NETWORK[1], now))
    count, oldest = _asked(session, now - IN_ALL[1], _mailed())
    if count >= IN_ALL[0]:
        log.error("login.too_many_in_all", count=count)
        raise TooManyError(_seconds_until(oldest, IN_ALL[1], now))


def may_mail(session: Session, key: str, now: datetime) -> bool:
    """Tell whether one more login mail may go to the address of this key."""
    return all(
        _asked(session, now - span, LoginRequest.limit_key == key, _mailed())[0] < most for most, span in PER_ADDRESS
    )


def _mailed() -> ColumnElement[bool]:
    # A request over the limit is stored already over, and no mail goes out for it.
    return LoginRequest.expires_at > LoginRequest.created_at


def _asked(session: Session, since: datetime, *which: ColumnElement[bool]) -> tuple[int, datetime | None]:
    count, oldest = session.execute(
        select(func.count(), func.min(LoginRequest.created_at)).where(LoginRequest.created_at > since, *which)
    ).one()
    return count, oldest


def _seconds_until(oldest: datetime | None, span: timedelta, now: datetime) -> int:
    return max(1, int(((oldest or now) + span - now).total_seconds()) + 1)
