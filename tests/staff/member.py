"""A member of staff with a browser, who gave the second factor a moment ago."""

from dataclasses import dataclass

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.kit.ids import digest, new_id
from app.login.people import SESSION_COOKIE
from app.models import StaffLogEntry, StaffMember
from app.portal import Portal
from tests.cast import HOST, browser_of, staff_session


@dataclass(frozen=True)
class Member:
    """`session_id` is the id of the session's row. Pages are in English."""

    email: str
    client: FlaskClient
    session_id: str


def member(portal: Portal, app: Flask, role: str = "support", email: str = "") -> Member:
    """Store a member, where the address is none yet, and give a browser in which they are logged in."""
    email = email or f"{role}-{new_id()[:13]}@kaiseki.example"
    client = browser_of(app)
    with portal.database.transaction() as session:
        if session.get(StaffMember, email) is None:
            session.add(StaffMember(email=email, role=role, created_at=portal.clock()))
            session.flush()
        secret = staff_session(portal, session, email)
    client.set_cookie(SESSION_COOKIE, secret, domain=HOST)
    client.get("/login/code?lang=en")
    return Member(email, client, digest(secret))


def log_of(portal: Portal, subject: str) -> list[StaffLogEntry]:
    """Return what the staff log says about a thing such as `order:<OrderID>`, oldest first."""
    rows = select(StaffLogEntry).where(StaffLogEntry.object == subject).order_by(StaffLogEntry.seq)
    with portal.database.transaction() as session:
        return list(session.scalars(rows))
