"""A login from a device that an address has not used before is told of by mail (AC-L23)."""

from collections.abc import Callable
from datetime import timedelta

import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select

from app.kit.clock import system_clock
from app.kit.devices import device_name
from app.kit.ids import digest
from app.mail.jobs import render
from app.models import LoginDevice, LoginSession, Mail
from app.portal import Portal
from app.web.texts import jst
from tests.login.steps import cookie, log_in, post, session_cookie


def notices(portal: Portal, email: str) -> list[Mail]:
    """Return the notices of new devices to an address."""
    with portal.database.transaction() as session:
        rows = select(Mail).where(Mail.to == email, Mail.kind == "new_device").order_by(Mail.created_at)
        return list(session.scalars(rows))


def test_ac_l23_a_new_device_is_told_of_and_a_known_one_is_not(
    client: FlaskClient, new_browser: Callable[[], FlaskClient], portal: Portal, email: str
) -> None:
    """No mail at the first login nor from a known device; one for each new device, with its name, time and network."""
    log_in(client, portal, email)
    assert notices(portal, email) == []
    post(client, "/logout")
    log_in(client, portal, email)
    assert notices(portal, email) == []
    other = new_browser()
    other.environ_base.update(REMOTE_ADDR="2001:db8:1:2:3:4:5:6")
    other.environ_base.update(HTTP_USER_AGENT="Mozilla/5.0 (iPhone; <b>x</b>) CriOS/140.0 Safari/604.1")
    log_in(other, portal, email)
    log_in(other, portal, email)
    (notice,) = notices(portal, email)
    with portal.database.transaction() as session:
        login = session.get_one(LoginSession, notice.params["session"])
    mail = render(notice)
    for part in (mail.text, mail.html):
        assert "Chrome, iPhone" in part
        assert "2001:db8:1:2::/64" in part
        assert jst(login.created_at) in part
        assert f"{portal.settings.public_url}/account" in part
        assert "<b>" not in part


def test_ac_l23_devices_are_known_by_address_and_only_by_digest(
    client: FlaskClient, portal: Portal, email: str
) -> None:
    """One browser may be two people's: each is told for themselves, and the cookie stays the same."""
    log_in(client, portal, email)
    device = cookie(client, "device")
    assert device
    other = f"x{email}"
    log_in(client, portal, other)
    assert cookie(client, "device") == device
    assert notices(portal, email) + notices(portal, other) == []
    with portal.database.transaction() as session:
        rows = session.scalars(select(LoginDevice).where(LoginDevice.email.in_((email, other)))).all()
    assert {(row.email, row.device_hash) for row in rows} == {(email, digest(device)), (other, digest(device))}
    assert session_cookie(client) != device


def test_ac_l23_a_forged_device_cookie_is_replaced(client: FlaskClient, portal: Portal, email: str) -> None:
    """What is no secret of ours is not kept, and counts as a new device."""
    log_in(client, portal, email)
    client.set_cookie("device", "known-to-the-attacker", domain="127.0.0.1")
    answer = log_in(client, portal, email)
    assert cookie(client, "device") != "known-to-the-attacker"
    assert len(notices(portal, email)) == 1
    (header,) = [c for c in answer.headers.getlist("Set-Cookie") if c.startswith("device=")]
    assert {"HttpOnly", "Max-Age=31536000", "SameSite=Lax"} <= set(header.split("; "))


def test_a_device_is_remembered_from_its_last_login_on(client: FlaskClient, portal: Portal, email: str) -> None:
    log_in(client, portal, email)
    later = system_clock() + timedelta(days=20)
    with time_machine.travel(later):
        client.delete_cookie("portal", domain="127.0.0.1")
        log_in(client, portal, email)
    with portal.database.transaction() as session:
        row = session.scalars(select(LoginDevice).where(LoginDevice.email == email)).one()
    assert row.seen_at - row.created_at > timedelta(days=19)
    assert notices(portal, email) == []


def test_the_name_of_a_browser_holds_nothing_that_it_says_itself() -> None:
    assert device_name("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0") == "Edge, Windows"
    assert "evil" not in device_name("evil/1.0")
