"""A browser that is logged in, for the tests of pages that need a person."""

from flask.testing import FlaskClient

from app.login.people import SESSION_COOKIE
from app.login.sessions import start_session
from app.models import StaffMember
from app.portal import Portal
from tests.staff_login.steps import enrol


def log_in(portal: Portal, client: FlaskClient, email: str, *, staff: bool = False) -> FlaskClient:
    """Give the browser a session of an address that was proved; staff, when asked, with a phone that was set up."""
    with portal.database.transaction() as session:
        if staff:
            session.add(StaffMember(email=email, role="support", created_at=portal.clock()))
            session.flush()
        secret, _ = start_session(session, email, "127.0.0.1", "tests", portal.clock())
    client.set_cookie(SESSION_COOKIE, secret, domain="127.0.0.1")
    if staff:
        enrol(client)
    return client
