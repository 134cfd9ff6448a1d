"""Changing the address: orders and history go to a new one, which is proved by a code mailed to it (AC-L24).

The code works only in the session that asked for it, TRIES times. The answer is the same whether the new address is
known here or not, and its mail counts as a login mail does, so nobody can be flooded this way.
"""

from datetime import datetime

import structlog
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from app.errors import ConflictError
from app.kit.login_secrets import code_hash, code_matches, derive_codes
from app.login.people import Person
from app.login.service import TRIES, Asker, new_request
from app.login.sessions import end_all_sessions, end_session
from app.mail.service import queue_account_mail
from app.models import AddressChange, LoginSession, StaffMember
from app.orders.owners import carry_over
from app.portal import portal

log = structlog.get_logger()


class SessionOverError(ConflictError):
    """The session ended meanwhile: logged out, or another change of the same address was faster."""


def is_staff(session: Session, email: str) -> bool:
    """Tell whether an address is that of an active member of staff, whose rights hang on it: it can't be changed."""
    member = session.get(StaffMember, email)
    return member is not None and member.disabled_at is None


def ask(session: Session, who: Person, new_email: str, asker: Asker, now: datetime, *, limit_network: bool) -> None:
    """Mail a code to a canonical new address; raises TooManyError, and ConflictError for staff."""
    if is_staff(session, who.email):
        raise ConflictError
    # This row is only the count of the mail; nothing can be done with it.
    counted = new_request(session, new_email, asker, now, limit_network=limit_network)
    counted.consumed_at = now
    code = derive_codes(portal.signer, "address", counted.id)[0]
    change = AddressChange(
        id=counted.id,
        session_id=who.session_id,
        email=who.email,
        new_email=new_email,
        code_hash=code_hash(portal.signer, "address", counted.id, code),
        attempts=0,
        created_at=now,
        expires_at=counted.expires_at,
    )
    session.add_all((counted, change))
    session.flush()
    if change.expires_at > now:
        queue_account_mail(
            session,
            "address_code",
            new_email,
            asker.locale,
            params={"change": change.id},
            expires_at=change.expires_at,
        )
    else:
        log.warning("login.address_limit")


def waiting_for(session: Session, who: Person, now: datetime) -> AddressChange | None:
    """Return the newest change of this session whose code can still be typed."""
    rows = select(AddressChange).where(*_open(who, now)).order_by(AddressChange.created_at.desc())
    return session.scalars(rows).first()


def confirm(session: Session, who: Person, typed: str, locale: str, now: datetime) -> str | None:
    """Carry everything over to the new address whose code was typed; return that address, or None for a wrong code.

    Each call counts as a try of every open change of the session, before the code is compared. Every session of the old
    address ends, this one too; of several calls at once, the one that ended this session goes on. Raises
    SessionOverError for the others and ConflictError for staff: then nothing of the transaction may stand.
    """
    change = _used(session, who, typed, now)
    if change is None:
        if session.get_one(LoginSession, who.session_id).ended_at is not None:
            raise SessionOverError
        return None
    rows = select(LoginSession.id).where(LoginSession.email == who.email).order_by(LoginSession.id)
    # In one order: two changes of one address must not wait for each other. Each already shares the key of its own
    # session's row (PostgreSQL checks the foreign key of a row that one transaction changes twice).
    session.execute(rows.with_for_update(key_share=True))
    if not end_session(session, who.email, who.session_id, now):
        raise SessionOverError
    if is_staff(session, who.email):
        raise ConflictError
    end_all_sessions(session, who.email, now)
    carry_over(session, who.email, change.new_email, now)
    params = {"change": change.id}
    queue_account_mail(session, "address_changed_old", who.email, locale, params=params)
    queue_account_mail(session, "address_changed_new", change.new_email, locale, params=params)
    log.info("login.address_changed", change=change.id)
    return change.new_email


def _used(session: Session, who: Person, typed: str, now: datetime) -> AddressChange | None:
    tried = session.scalars(
        update(AddressChange)
        .where(*_open(who, now), AddressChange.attempts < TRIES)
        .values(attempts=AddressChange.attempts + 1)
        .returning(AddressChange)
        .execution_options(synchronize_session=False)
    ).all()
    for change in tried:
        if code_matches(portal.signer, "address", change.id, change.code_hash, typed):
            change.consumed_at = now
            session.flush()
            return change
    return None


def _open(who: Person, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        AddressChange.session_id == who.session_id,
        AddressChange.consumed_at.is_(None),
        AddressChange.expires_at > now,
    )
