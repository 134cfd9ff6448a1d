"""Steps of a member of staff: an authenticator app as on a phone, and the pages that ask for its codes."""

import re
import time
from dataclasses import dataclass, field

import pyotp
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.portal import Portal
from app.staff.people.members import add_staff
from tests.helpers import wait_for
from tests.login.steps import log_in, post

_SECRET = re.compile(r'id="secret">([A-Z2-7 ]+)<')
_TICKET = re.compile(r'name="ticket" value="([^"]+)"')
_RECOVERY = re.compile(r'<li class="code">([A-Z0-9-]+)</li>')


@dataclass
class Phone:
    """An authenticator app with one account; it never gives the same code twice."""

    secret: str
    last: int = field(default=0, init=False)

    def code(self) -> str:
        """Return the code of the first time step that the portal takes for 5 s or more and that was not given yet."""
        now, second = divmod(int(time.time()), 30)
        self.last = max(self.last + 1, now - 1 if second < 25 else now)
        wait_for(lambda: self.last <= int(time.time()) // 30 + 1, 31, "the next code of the phone")
        return self.shown(self.last)

    def shown(self, step: int) -> str:
        """Return the code of a time step."""
        return pyotp.TOTP(self.secret).generate_otp(step)


def secret_of(page: str) -> str:
    """Return the secret that a page shows as text."""
    found = _SECRET.search(page)
    assert found, page
    return found[1].replace(" ", "")


def ticket_of(page: str) -> str:
    """Return the ticket of a page's form."""
    found = _TICKET.search(page)
    assert found, page
    return found[1]


def recovery_codes_of(page: str) -> list[str]:
    """Return the recovery codes that a page shows."""
    return _RECOVERY.findall(page)


def set_up(client: FlaskClient, path: str = "/staff/login/enrol") -> tuple[Phone, TestResponse]:
    """Scan the QR code of a page and confirm it; return the phone and the answer."""
    page = client.get(path).text
    phone = Phone(secret_of(page))
    return phone, post(client, path, ticket=ticket_of(page), code=phone.code())


def enrol(client: FlaskClient) -> tuple[Phone, list[str]]:
    """Set up the first phone of whoever is logged in; return it and the recovery codes."""
    phone, answer = set_up(client)
    codes = recovery_codes_of(answer.text)
    assert len(codes) == 10, answer.text
    return phone, codes


def give(client: FlaskClient, code: str, **fields: str) -> TestResponse:
    """Give a code of the phone, or a recovery code."""
    return post(client, "/staff/login/code", code=code, **fields)


def new_member(portal: Portal, client: FlaskClient, email: str, role: str = "support") -> tuple[Phone, list[str]]:
    """Make an address a member of staff, log in by mail and set up the phone."""
    with portal.database.transaction() as session:
        add_staff(session, email, role, portal.clock())
    log_in(client, portal, email)
    return enrol(client)


def may_enter(client: FlaskClient) -> bool:
    """Tell whether this browser is in the back office."""
    answer = client.get("/staff/orders")
    assert answer.status_code in {200, 303, 404}, answer.text
    return answer.status_code == 200
