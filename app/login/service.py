"""Asking for a link, and using it once (facts, 1.2). Whoever reads the mail of an address is that address."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.kit.ids import digest, new_id
from app.kit.login_secrets import code_hash, code_matches, derive_secrets
from app.login.destinations import Destination
from app.login.limits import check_network, limit_key, may_mail, network_of, one_at_a_time
from app.mail.service import queue_login_mail
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

    Nobody's account is looked up, so the answer can't tell who is known. Over the limit of one address the
    request is stored as already over and no mail goes out. Raises TooManyError over the limit of the network.
    """
    one_at_a_time(session)
    network, key = network_of(asker.ip), limit_key(email)
    if limit_network:
        check_network(session, network, now)
    mailed = may_mail(session, key, now)
    request_id = new_id()
    secrets = derive_secrets(portal.signer, request_id)[0]
    request = LoginRequest(
        id=request_id,
        email=email,
        limit_key=key,
        token_hash=digest(secrets.token),
        code_hash=code_hash(portal.signer, request_id, secrets.code),
        nonce_hash=digest(asker.nonce),
        next_endpoint=target.endpoint,
        next_order=target.order_id,
        attempts=0,
        ip=network,
        user_agent=asker.user_agent,
        created_at=now,
        expires_at=now + LIFE if mailed else now,
    )
    session.add(request)
    session.flush()
    if mailed:
        queue_login_mail(session, request, asker.locale)
    else:
        log.warning("login.address_limit")


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
    return request if request is not None and _consume(session, request, now) else None


def use_code(session: Session, typed: str, nonce: str, now: datetime) -> LoginRequest | None:
    """Use up a code in the browser that asked for it; each call counts as a try of every open request there.

    The tries are counted before the code is compared, so parallel guesses can't get more than TRIES.
    """
    tried = session.execute(
        update(LoginRequest)
        .where(
            LoginRequest.nonce_hash == digest(nonce),
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
        if code_matches(portal.signer, request.id, request.code_hash, typed):
            return request if _consume(session, request, now) else None
    return None


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
