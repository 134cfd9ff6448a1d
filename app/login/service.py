"""Asking for a link, and using it once (facts, 1.2). Whoever reads the mail of an address is that address."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from app.kit.ids import digest, new_id
from app.kit.login_secrets import code_hash, code_matches, derive_secrets
from app.kit.networks import network_of
from app.login.destinations import Destination
from app.login.limits import check_network, limit_key, may_mail, one_at_a_time
from app.mail.service import queue_account_mail
from app.models import LoginRequest
from app.portal import portal

LIFE = timedelta(minutes=10)  # ASVS 6.5.5: no longer
TRIES = 5
CLOCKS_APART = timedelta(seconds=30)  # how far two web hosts' clocks may differ; links from later are refused

log = structlog.get_logger()


@dataclass(frozen=True)
class Asker:
    """The browser that asks: its nonce ties the code to it (ASVS 6.6.2)."""

    nonce: str
    ip: str
    user_agent: str
    locale: str


def ask(session: Session, email: str, asker: Asker, target: Destination, now: datetime, *, limit_network: bool) -> None:
    """Store a request for a canonical address and queue its mail.

    Nobody's account is looked up, so the answer can't tell who is known. Raises TooManyError over the limit of the
    network.
    """
    request = new_request(session, email, asker, now, limit_network=limit_network)
    request.next_endpoint, request.next_order = target.endpoint, target.order_id
    session.add(request)
    session.flush()
    if request.expires_at > now:
        queue_account_mail(
            session, "login", email, asker.locale, params={"request": request.id}, expires_at=request.expires_at
        )
    else:
        log.warning("login.address_limit")


def new_request(session: Session, email: str, asker: Asker, now: datetime, *, limit_network: bool) -> LoginRequest:
    """Return a request for a canonical address, not stored yet; it counts against the limits once it is.

    Over the limit of one address it is over from the beginning, and no mail may go out for it. Raises TooManyError over
    the limit of the network.
    """
    one_at_a_time(session)
    network, key = network_of(asker.ip), limit_key(email)
    if limit_network:
        check_network(session, network, now)
    request_id = new_id()
    secrets = derive_secrets(portal.signer, request_id)[0]
    return LoginRequest(
        id=request_id,
        email=email,
        limit_key=key,
        token_hash=digest(secrets.token),
        code_hash=code_hash(portal.signer, "login", request_id, secrets.code),
        nonce_hash=digest(asker.nonce),
        attempts=0,
        ip=network,
        user_agent=asker.user_agent,
        created_at=now,
        expires_at=now + LIFE if may_mail(session, key, now) else now,
    )


def request_of_link(session: Session, token: str, now: datetime) -> LoginRequest | None:
    """Return the request of a link while the link can be used; looking changes nothing (AC-L01)."""
    request = session.scalar(select(LoginRequest).where(LoginRequest.token_hash == digest(token)))
    return request if request is not None and is_usable(request, now) else None


def is_usable(request: LoginRequest, now: datetime) -> bool:
    """Tell whether link and code of a request still open the door."""
    return request.consumed_at is None and request.created_at - CLOCKS_APART <= now < request.expires_at


def use_link(session: Session, token: str, now: datetime) -> LoginRequest | None:
    """Use up a link; of any number of callers at once, one gets the request and the others None (AC-L03)."""
    request = request_of_link(session, token, now)
    if request is None:
        return None
    _lock(session, LoginRequest.email == request.email)
    return request if _consume(session, request, now) else None


def use_code(session: Session, typed: str, nonce: str, now: datetime) -> LoginRequest | None:
    """Use up a code in the browser that asked for it; each call counts as a try of every open request there.

    The tries are counted before the code is compared, so parallel guesses can't get more than TRIES.
    """
    here = LoginRequest.nonce_hash == digest(nonce)
    _lock(session, LoginRequest.email.in_(select(LoginRequest.email).where(here, LoginRequest.expires_at > now)))
    tried = session.execute(
        update(LoginRequest)
        .where(
            here,
            LoginRequest.consumed_at.is_(None),
            LoginRequest.expires_at > now,
            LoginRequest.created_at <= now + CLOCKS_APART,
            LoginRequest.attempts < TRIES,
        )
        .values(attempts=LoginRequest.attempts + 1)
        .returning(LoginRequest)
        .execution_options(synchronize_session=False)
    ).scalars()
    for request in tried.all():
        if code_matches(portal.signer, "login", request.id, request.code_hash, typed):
            return request if _consume(session, request, now) else None
    return None


def _lock(session: Session, which: ColumnElement[bool]) -> None:
    """Lock open requests in one order: a link and a code of one address, used at once, must not wait for each other."""
    rows = select(LoginRequest.id).where(which, LoginRequest.consumed_at.is_(None)).order_by(LoginRequest.id)
    session.execute(rows.with_for_update())


def _consume(session: Session, request: LoginRequest, now: datetime) -> bool:
    # One statement uses up this request and every other one of its address (AC-L05): two links of one
    # address at once can't both win.
    used = session.scalars(
        update(LoginRequest)
        .where(LoginRequest.email == request.email, LoginRequest.consumed_at.is_(None))
        .values(consumed_at=now)
        .returning(LoginRequest.id)
        .execution_options(synchronize_session=False)
    ).all()
    return request.id in used
