"""Browsers that an address has logged in with before; a new one is told of by mail (AC-L23, ASVS 6.3.5)."""

from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.database import insert_once
from app.kit.ids import digest, new_secret
from app.mail.service import queue_account_mail
from app.models import LoginDevice, LoginSession

DEVICE_LIFE = timedelta(days=365)


def recognise(session: Session, login: LoginSession, secret: str | None, locale: str) -> str:
    """Note the browser of a login by the secret of its cookie; return the secret that the cookie is to hold now.

    The address is told where it has logged in before, and never from here. Its very first login is no news.
    """
    if secret is None or len(secret) != len(new_secret()):
        secret = new_secret()
    now, device = login.created_at, digest(secret)
    known_here = select(LoginDevice.email).where(LoginDevice.email == login.email).limit(1)
    logged_in_before = session.scalar(known_here) is not None
    new = insert_once(session, LoginDevice, email=login.email, device_hash=device, created_at=now, seen_at=now)
    if not new:
        this = (LoginDevice.email == login.email, LoginDevice.device_hash == device)
        session.execute(update(LoginDevice).where(*this).values(seen_at=now))
    elif logged_in_before:
        queue_account_mail(session, "new_device", login.email, locale, params={"session": login.id})
    return secret
