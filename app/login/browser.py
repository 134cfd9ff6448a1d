"""The browser of this request: where it comes from, what it is logged in as, and the cookies that say so."""

from datetime import datetime

from flask import request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.kit.ids import new_secret
from app.login.devices import DEVICE_LIFE, recognise
from app.login.people import SESSION_COOKIE, forget_browser, person
from app.login.service import Asker
from app.login.sessions import LIVES, end_session, start_session
from app.models import LoginSession
from app.orders.owners import prove
from app.portal import portal
from app.web.cookies import drop_cookie, read_cookie, set_cookie
from app.web.texts import locale

NONCE_COOKIE = "login"
DEVICE_COOKIE = "device"
MAX_USER_AGENT = 400

Cookies = dict[str, tuple[str, int]]
"""Name -> secret and life in seconds."""


def asker(nonce: str | None = None) -> Asker:
    """Return who asks for a mail here; without a nonce its code is not tied to a cookie of this browser."""
    return Asker(nonce or new_secret(), _ip(), _user_agent(), locale())


def log_in(session: Session, email: str, now: datetime) -> tuple[LoginSession, Cookies]:
    """Log this browser in as an address that was proved just now; what it was logged in as before is over.

    All orders of the address are the address's own from now on. Returns the session's row, and the cookies that are to
    go with the answer once the transaction stands.
    """
    end_here(session)
    secret, row = start_session(session, email, _ip(), _user_agent(), now)
    session.flush()
    prove(session, email, now)
    device = recognise(session, row, read_cookie(DEVICE_COOKIE), locale())
    forget_browser()
    return row, {
        SESSION_COOKIE: (secret, int(LIVES[row.kind].absolute.total_seconds())),
        DEVICE_COOKIE: (device, int(DEVICE_LIFE.total_seconds())),
    }


def give(response: Response, cookies: Cookies) -> Response:
    """Put the cookies of a login into an answer; the browser that asked for the login has done so."""
    for name, (secret, life) in cookies.items():
        set_cookie(response, name, secret, max_age=life)
    drop_cookie(response, NONCE_COOKIE)
    return response


def end_here(session: Session) -> None:
    """End this browser's session on the server."""
    who = person()
    if who is not None:
        end_session(session, who.email, who.session_id, portal.clock())


def _ip() -> str:
    return request.remote_addr or "unknown"


def _user_agent() -> str:
    return request.user_agent.string[:MAX_USER_AGENT]
