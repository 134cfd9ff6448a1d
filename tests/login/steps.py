"""Steps of a login as a person takes them, with Flask's test client or over real HTTP."""

import re
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from email.message import Message
from http.cookiejar import CookieJar
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.kit.addresses import canonical
from app.kit.login_secrets import LoginSecrets, code_of, secrets_of
from app.models import AddressChange, LoginRequest, LoginSession
from app.portal import Portal

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


def csrf_of(page: str) -> str:
    """Return the CSRF token of a page's first form."""
    found = _TOKEN.search(page)
    assert found, page
    return found[1]


def post(client: FlaskClient, path: str, **fields: Any) -> TestResponse:
    """Send a form with a CSRF token, as a page of this browser would."""
    token = csrf_of(client.get("/login/code").text)
    return client.post(path, data={"csrf_token": token, **fields})


def ask(client: FlaskClient, email: str, **fields: str) -> TestResponse:
    """Ask for a login mail."""
    return post(client, "/login", email=email, **fields)


def requests_of(portal: Portal, email: str) -> list[LoginRequest]:
    """Return the requests of an address, oldest first."""
    with portal.database.transaction() as session:
        found = session.scalars(
            select(LoginRequest).where(LoginRequest.email == canonical(email)).order_by(LoginRequest.created_at)
        )
        return list(found)


def sessions_of(portal: Portal, email: str) -> list[LoginSession]:
    """Return all sessions of an address, ended ones too."""
    with portal.database.transaction() as session:
        return list(session.scalars(select(LoginSession).where(LoginSession.email == canonical(email))))


def mailed(portal: Portal, email: str) -> LoginSecrets:
    """Return what the newest login mail of an address carries (how it travels is tested in tests/mail)."""
    request = requests_of(portal, email)[-1]
    secrets = secrets_of(portal.signer, request.id, request.token_hash)
    assert secrets is not None
    return secrets


def changes_of(portal: Portal, email: str) -> list[AddressChange]:
    """Return the changes that an address has asked for, oldest first."""
    with portal.database.transaction() as session:
        rows = select(AddressChange).where(AddressChange.email == email).order_by(AddressChange.created_at)
        return list(session.scalars(rows))


def code_for_new_address(portal: Portal, email: str) -> str:
    """Return the code that the newest change of an address has mailed to the new one."""
    change = changes_of(portal, email)[-1]
    code = code_of(portal.signer, "address", change.id, change.code_hash)
    assert code is not None
    return code


def change_address(client: FlaskClient, portal: Portal, old: str, new: str) -> TestResponse:
    """Ask for a new address and type the code."""
    asked = post(client, "/account/email", email=new)
    assert (asked.status_code, asked.location) == (303, "/account/email/code"), asked.text
    return post(client, "/account/email/code", code=code_for_new_address(portal, old))


def log_in(client: FlaskClient, portal: Portal, email: str) -> TestResponse:
    """Ask, open the link, press the button."""
    ask(client, email)
    return post(client, f"/login/{mailed(portal, email).token}")


def cookie(client: FlaskClient, name: str) -> str | None:
    """Return the value of one of this browser's cookies."""
    found = client.get_cookie(name, domain="127.0.0.1")
    return found.value if found else None


def set_cookie(client: FlaskClient, name: str, value: str) -> None:
    """Put a cookie into this browser, as a thief or an attacker would."""
    client.set_cookie(name, value, domain="127.0.0.1")


def drop_cookie(client: FlaskClient, name: str) -> None:
    """Take a cookie out of this browser."""
    client.delete_cookie(name, domain="127.0.0.1")


def session_cookie(client: FlaskClient) -> str:
    """Return the secret of this browser's session, or an empty text."""
    return cookie(client, "session") or ""


def shape(page: str) -> str:
    """Return a page without what is different each time: nonce and CSRF tokens."""
    return re.sub(r'(nonce|name="csrf_token" value)="[^"]+"', "", page)


class _StayHere(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any) -> None:
        return None


@dataclass
class Browser:
    """A browser without JavaScript over real HTTP; it keeps cookies and follows no redirect by itself."""

    base: str
    jar: CookieJar = field(default_factory=CookieJar)
    agent: str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0"

    def get(self, path: str) -> tuple[int, str, Message]:
        """Fetch a page: status, text, headers."""
        return self._send(urllib.request.Request(self.base + path))

    def post(self, path: str, **fields: str) -> tuple[int, str, Message]:
        """Send a form with a fresh CSRF token."""
        return self.submit(path, csrf_token=self.csrf(), **fields)

    def csrf(self) -> str:
        """Return a CSRF token of this browser."""
        return csrf_of(self.get("/login/code")[1])

    def twin(self) -> "Browser":
        """Return a copy with cookies of its own: for requests at once."""
        jar = CookieJar()
        for one in self.jar:
            jar.set_cookie(one)
        return Browser(self.base, jar)

    def submit(self, path: str, **fields: str) -> tuple[int, str, Message]:
        """Send a form as it is."""
        body = urllib.parse.urlencode(fields).encode()
        return self._send(urllib.request.Request(self.base + path, data=body, method="POST"))

    def _send(self, request: urllib.request.Request) -> tuple[int, str, Message]:
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar), _StayHere)
        request.add_header("User-Agent", self.agent)
        try:
            with opener.open(request, timeout=30) as answer:
                return answer.status, answer.read().decode(), answer.headers
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode(), error.headers
