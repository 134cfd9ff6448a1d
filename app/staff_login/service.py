"""The second factor of a member of staff: setting it up, and giving it (decision 013).

The member's row is always written first: it is the lock under which tries are counted and codes used up.
"""

from datetime import datetime, timedelta
from typing import Literal

import structlog
from sqlalchemy import ColumnElement, CursorResult, case, literal, or_, update
from sqlalchemy.orm import Session

from app.kit.addresses import masked
from app.kit.clock import system_clock
from app.models import StaffMember
from app.models.base import UtcDateTime
from app.portal import portal
from app.staff_login.recovery_codes import renew_codes, use_code
from app.staff_login.totp import Safe, new_totp_secret, six_digits, step_of

TRIES = 5
WITHIN = timedelta(minutes=15)
SET_UP_LIFE_S = 1800  # seconds in which a QR code that was shown can be confirmed

Outcome = Literal["proved", "wrong", "wait"]

log = structlog.get_logger()


def has_factor(session: Session, email: str) -> bool:
    """Tell whether a member has set up a second factor."""
    member = session.get(StaffMember, email)
    return member is not None and member.totp_secret is not None


def give_factor(session: Session, email: str, typed: str, now: datetime) -> Outcome:
    """Take six digits or a recovery code; of any number of callers with the same code one has proved it.

    A try is counted before anything is compared, so parallel guesses get no more than TRIES wrong ones in WITHIN.
    """
    member = _take_try(session, email, now)
    if member is None:
        log.warning("staff_login.wait", account=masked(email))
        return "wait"
    digits = six_digits(typed)
    by = "totp" if digits else "recovery_code"
    proved = _use_digits(session, member, digits) if digits else use_code(session, email, typed, now)
    if not proved:
        log.warning("staff_login.wrong", account=masked(email), by=by)
        return "wrong"
    _give_try_back(session, email)
    log.info("staff_login.proved", account=masked(email), by=by)
    return "proved"


def wait_until(session: Session, email: str, now: datetime) -> datetime | None:
    """Return when a member may try again, or None where they may now."""
    member = session.get(StaffMember, email)
    if member is None or member.wrong_since is None or member.wrong_codes < TRIES:
        return None
    end = member.wrong_since + WITHIN
    return end if end > now else None


def begin_set_up(session_id: str) -> tuple[str, str]:
    """Return a new secret, and the ticket that brings it back with the form; nothing is stored yet."""
    secret = new_totp_secret()
    return secret, _ticket_safe(session_id).seal(secret)


def secret_of_ticket(session_id: str, ticket: str) -> str | None:
    """Return the secret of a ticket of this session, or None where it is too old or not of this session."""
    return _ticket_safe(session_id).open(ticket, SET_UP_LIFE_S)


def set_up_first(session: Session, email: str, secret: str, step: int) -> list[str] | None:
    """Store the first phone of a member; return the recovery codes, or None where there is a phone already.

    Two at once: the condition lets one in, the other learns that it came too late.
    """
    if not _store(session, email, secret, step, StaffMember.totp_secret.is_(None)):
        return None
    log.info("staff_login.set_up", account=masked(email))
    return renew_codes(session, email)


def change_phone(session: Session, email: str, secret: str, step: int) -> bool:
    """Put a new phone in the place of the one before; the recovery codes stay."""
    done = _store(session, email, secret, step, StaffMember.totp_secret.is_not(None))
    if done:
        log.warning("staff_login.new_phone", account=masked(email))
    return done


def new_recovery_codes(session: Session, email: str) -> list[str]:
    """Return ten new recovery codes; the old ones end. Two at once: the later ones stay."""
    session.get_one(StaffMember, email, with_for_update=True)
    log.warning("staff_login.new_recovery_codes", account=masked(email))
    return renew_codes(session, email)


def confirmed_step(secret: str, typed: str) -> int | None:
    """Return the time step of the code that confirms a new phone, or None where it is wrong."""
    digits = six_digits(typed)
    return step_of(secret, digits, system_clock()) if digits else None


def _take_try(session: Session, email: str, now: datetime) -> StaffMember | None:
    """Count a try and return the member, whose row is locked from here on; None: no try is left now."""
    over = or_(StaffMember.wrong_since.is_(None), StaffMember.wrong_since <= now - WITHIN)
    return session.scalars(
        update(StaffMember)
        .where(
            StaffMember.email == email,
            StaffMember.disabled_at.is_(None),
            or_(over, StaffMember.wrong_codes < TRIES),
        )
        .values(
            wrong_codes=case((over, 1), else_=StaffMember.wrong_codes + 1),
            wrong_since=case((over, literal(now, UtcDateTime())), else_=StaffMember.wrong_since),
        )
        .returning(StaffMember)
        .execution_options(synchronize_session=False, populate_existing=True)
    ).one_or_none()


def _give_try_back(session: Session, email: str) -> None:
    # Only its own: a success must not give somebody else's guesses back.
    _update(session, email, StaffMember.wrong_codes > 0, wrong_codes=StaffMember.wrong_codes - 1)


def _use_digits(session: Session, member: StaffMember, digits: str) -> bool:
    """Use up the code of a time step; no code works twice, nor one of a step before the last used one.

    The secret is encrypted anew with it, so that a key of the portal can be dropped some time after its successor came.
    """
    safe = Safe(portal.signer, "totp-secret", member.email)
    secret = safe.open(member.totp_secret) if member.totp_secret else None
    if secret is None:
        log.error("staff_login.no_secret", account=masked(member.email), stored=member.totp_secret is not None)
        return False
    step = step_of(secret, digits, system_clock())
    if step is None:
        return False
    unused = or_(StaffMember.totp_step.is_(None), StaffMember.totp_step < step)
    return _update(session, member.email, unused, totp_step=step, totp_secret=safe.seal(secret))


def _store(session: Session, email: str, secret: str, step: int, condition: ColumnElement[bool]) -> bool:
    sealed = Safe(portal.signer, "totp-secret", email).seal(secret)
    return _update(session, email, condition, totp_secret=sealed, totp_step=step, wrong_codes=0, wrong_since=None)


def _update(session: Session, email: str, condition: ColumnElement[bool], **values: object) -> bool:
    done = session.execute(
        update(StaffMember)
        .where(StaffMember.email == email, StaffMember.disabled_at.is_(None), condition)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return isinstance(done, CursorResult) and done.rowcount == 1


def _ticket_safe(session_id: str) -> Safe:
    return Safe(portal.signer, "totp-set-up", session_id)
