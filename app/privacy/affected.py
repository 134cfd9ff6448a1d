"""Who was affected (AC-P05): the orders behind an object or an address, and what was done with them in a time.

A leak is reported to the Personal Information Protection Commission within days of knowing, and to the persons
themselves (Act on the Protection of Personal Information, art. 26), so this must be one command.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kit.clock import JST
from app.models import AuditEntry, Erasure, LoginSession, Mail, Order
from app.portal import portal
from app.privacy.wish import digests

KEY = re.compile(r"(?:incoming|orders|previews|results)/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})[./].*")


class UnknownKeyError(ValueError):
    """The key is none of an order."""


def by_object(key: str, since: datetime, until: datetime) -> Iterator[str]:
    """Yield lines about the order whose object this is. Raises UnknownKeyError."""
    match = KEY.fullmatch(key)
    if match is None:
        raise UnknownKeyError(key)
    with portal.database.transaction() as session:
        orders = session.scalars(select(Order).where(Order.id == match[1])).all()
        yield from _told(session, orders, since, until)
        for order in orders:
            yield from _logins(session, order.email, since, until)


def by_account(email: str, since: datetime, until: datetime) -> Iterator[str]:
    """Yield lines about all orders of an address, deleted ones too, and its logins."""
    with portal.database.transaction() as session:
        erased = session.scalars(select(Erasure).where(Erasure.email_digest.in_(digests(email)))).all()
        names = [email, *(erasure.pseudonym for erasure in erased)]
        query = select(Order).where(Order.email.in_(names), Order.created_at <= until).order_by(Order.created_at)
        for erasure in erased:
            yield f"asked to be forgotten {_at(erasure.asked_at)}, since then {erasure.pseudonym}"
        yield from _told(session, session.scalars(query).all(), since, until)
        yield from _logins(session, email, since, until)


def _told(session: Session, orders: Sequence[Order], since: datetime, until: datetime) -> Iterator[str]:
    downloads = 0
    for order in orders:
        yield f"order {order.id}  {order.email}  made {_at(order.created_at)}  {order.filename}  {_files(order)}"
        within = (AuditEntry.order_id == order.id, AuditEntry.at >= since, AuditEntry.at <= until)
        for entry in session.scalars(select(AuditEntry).where(*within).order_by(AuditEntry.at, AuditEntry.id)):
            downloads += entry.kind == "file.downloaded"
            yield f"  {_at(entry.at)}  {entry.kind}  by {entry.actor}  {entry.data.get('file', '')}".rstrip()
        sent = (Mail.order_id == order.id, Mail.sent_at >= since, Mail.sent_at <= until)
        for mail in session.scalars(select(Mail).where(*sent).order_by(Mail.sent_at)):
            yield f"  {_at(mail.sent_at)}  mail {mail.kind}  to {mail.to}"
    people = len({order.email for order in orders})
    yield f"{people} persons, {len(orders)} orders, {downloads} downloads in this time"


def _logins(session: Session, email: str, since: datetime, until: datetime) -> Iterator[str]:
    within = (LoginSession.email == email, LoginSession.seen_at >= since, LoginSession.created_at <= until)
    for row in session.scalars(select(LoginSession).where(*within).order_by(LoginSession.created_at)):
        yield f"login {_at(row.created_at)} to {_at(row.ended_at or row.seen_at)}  {row.ip}  {row.user_agent}"


def _files(order: Order) -> str:
    gone = {"file": order.input_gone_at, "result": order.result_gone_at}
    return ", ".join(f"{what} deleted {_at(at)}" for what, at in gone.items() if at) or "files kept"


def _at(moment: datetime | None) -> str:
    return f"{moment.astimezone(JST):%Y-%m-%d %H:%M:%S}" if moment else "-"
