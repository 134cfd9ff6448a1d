"""Sessions on the server: nothing in the database opens a door, and what was ended stays ended."""

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import class_mapper

from app import create_app
from app.kit.clock import system_clock
from app.login.sessions import LIVES
from app.models import AddressChange, LoginDevice, LoginRequest, LoginSession, Mail, StaffMember
from app.portal import Portal
from app.settings import Settings
from app.staff.people.members import add_staff
from tests.login.steps import (
    ask,
    code_for_new_address,
    cookie,
    csrf_of,
    drop_cookie,
    log_in,
    mailed,
    post,
    session_cookie,
    sessions_of,
    set_cookie,
)


def logged_in(client: FlaskClient) -> bool:
    """Tell whether this browser may see its account."""
    answer = client.get("/account")
    assert answer.status_code in {200, 302}
    return answer.status_code == 200


def test_ac_l10_no_value_of_the_database_logs_in(
    client: FlaskClient, stranger: FlaskClient, portal: Portal, email: str
) -> None:
    """No value of any column of the tables of logging in, tried as link, code or session, opens anything."""
    log_in(client, portal, email)
    post(client, "/account/email", email=f"x{email}")
    other = f"pending-{email}"
    ask(stranger, other)
    values = set()
    with portal.database.transaction() as session:
        for model in (LoginRequest, LoginSession, LoginDevice, AddressChange, Mail):
            rows = session.scalars(select(model).order_by(model.created_at.desc()).limit(20))
            names = [column.key for column in class_mapper(model).column_attrs]
            values |= {str(getattr(row, name)) for row in rows for name in names if getattr(row, name)}
    assert len(values) > 20
    secrets = mailed(portal, other)
    carried = {session_cookie(client), cookie(client, "device"), code_for_new_address(portal, email)}
    assert not {secrets.token, secrets.code, *carried} & values
    token = csrf_of(stranger.get("/login").text)
    for value in values:
        fields = {"csrf_token": token, "code": value}
        assert stranger.post(f"/login/{value.replace('/', '')}", data=fields).status_code == 410
        assert stranger.post("/login/code", data=fields).status_code == 422
        set_cookie(stranger, "session", value)
        assert not logged_in(stranger)
        drop_cookie(stranger, "session")
        assert post(client, "/account/email/code", code=value).status_code == 422
        with portal.database.transaction() as session:  # every value gets a fresh try
            session.execute(update(LoginRequest).where(LoginRequest.email == other).values(attempts=0))
            session.execute(update(AddressChange).where(AddressChange.email == email).values(attempts=0))
    assert sessions_of(portal, other) == []
    assert stranger.post("/login/code", data={"csrf_token": token, "code": secrets.code}).status_code == 303


def test_ac_l12_a_login_gives_a_new_secret_and_drops_what_was_before(
    client: FlaskClient, portal: Portal, email: str
) -> None:
    """A login exchanges the session's secret and drops what the browser held before, but for language and claim."""
    with client.session_transaction() as planted:
        planted["cart"] = "of the attacker"
        planted["lang"] = "en"
    set_cookie(client, "session", "known-to-the-attacker")
    set_cookie(client, "claim", "of-this-browser")
    log_in(client, portal, email)
    first = session_cookie(client)
    assert first not in {"", "known-to-the-attacker"}
    with client.session_transaction() as after:
        assert "cart" not in after
        assert after["lang"] == "en"
    assert cookie(client, "claim") == "of-this-browser"
    log_in(client, portal, email)
    assert session_cookie(client) != first
    # The browser's session before is over, not merely forgotten.
    assert [row.ended_at is None for row in sorted(sessions_of(portal, email), key=lambda r: r.created_at)] == [
        False,
        True,
    ]


def test_ac_l13_a_copied_cookie_is_nothing_after_logout(
    client: FlaskClient, stranger: FlaskClient, portal: Portal, email: str
) -> None:
    """A copied cookie opens nothing once its session was logged out; logging out takes a form of ours."""
    log_in(client, portal, email)
    copied = session_cookie(client)
    assert copied
    set_cookie(stranger, "session", copied)
    assert logged_in(stranger)
    assert client.get("/logout").status_code == 405
    assert client.post("/logout").status_code in {400, 403}
    assert logged_in(stranger)
    answer = post(client, "/logout")
    assert (answer.status_code, answer.location) == (303, "/")
    set_cookie(stranger, "session", copied)
    assert not logged_in(stranger)


def test_ac_l13_log_out_everywhere(client: FlaskClient, stranger: FlaskClient, portal: Portal, email: str) -> None:
    """After "log out everywhere" no copied cookie of the address opens anything."""
    log_in(client, portal, email)
    log_in(stranger, portal, email)
    copies = [session_cookie(client), session_cookie(stranger)]
    assert post(client, "/account/sessions/end-all").status_code == 303
    for copy in copies:
        assert copy
        set_cookie(stranger, "session", copy)
        assert not logged_in(stranger)


def test_ac_l14_any_own_session_can_be_ended_and_no_other(
    client: FlaskClient, stranger: FlaskClient, portal: Portal, email: str
) -> None:
    """The account page lists the own sessions and ends any of them, and nobody else's."""
    log_in(client, portal, email)
    log_in(stranger, portal, f"other-{email}")
    mine, foreign = sessions_of(portal, email)[0], sessions_of(portal, f"other-{email}")[0]
    assert mine.id in client.get("/account").text
    assert foreign.id not in client.get("/account").text
    post(client, "/account/sessions/end", session=foreign.id)
    assert logged_in(stranger)
    drop_cookie(stranger, "session")
    log_in(stranger, portal, email)
    second = next(row for row in sessions_of(portal, email) if row.id != mine.id)
    assert second.id in client.get("/account").text
    post(client, "/account/sessions/end", session=second.id)
    assert not logged_in(stranger)
    assert logged_in(client)
    assert post(client, "/account/sessions/end", session=mine.id).location == "/login"
    assert not logged_in(client)


def test_ac_l15_the_documented_lives() -> None:
    assert {kind: (life.idle, life.absolute) for kind, life in LIVES.items()} == {
        "customer": (timedelta(days=14), timedelta(days=30)),
        "staff": (timedelta(minutes=30), timedelta(hours=8)),
    }


@pytest.mark.parametrize("kind", ["customer", "staff"])
def test_ac_l15_idle_and_absolute_life(client: FlaskClient, portal: Portal, email: str, kind: str) -> None:
    if kind == "staff":
        with portal.database.transaction() as session:
            add_staff(session, email, "viewer", portal.clock())
    life, start = LIVES[kind], system_clock()
    log_in(client, portal, email)
    secret = session_cookie(client)
    assert secret
    step = life.idle - timedelta(seconds=30)
    at = start
    while at + step < start + life.absolute:
        at += step
        with time_machine.travel(at):
            set_cookie(client, "session", secret)
            assert logged_in(client), at - start
    with time_machine.travel(start + life.absolute + timedelta(minutes=1)):
        set_cookie(client, "session", secret)
        assert not logged_in(client)


@pytest.mark.parametrize("kind", ["customer", "staff"])
def test_ac_l15_too_long_away(client: FlaskClient, portal: Portal, email: str, kind: str) -> None:
    if kind == "staff":
        with portal.database.transaction() as session:
            add_staff(session, email, "viewer", portal.clock())
    log_in(client, portal, email)
    secret = session_cookie(client)
    assert secret
    with time_machine.travel(system_clock() + LIVES[kind].idle + timedelta(seconds=5)):
        set_cookie(client, "session", secret)
        assert not logged_in(client)


def test_seen_at_is_written_once_a_minute(client: FlaskClient, portal: Portal, email: str) -> None:
    log_in(client, portal, email)
    first = sessions_of(portal, email)[0].seen_at
    client.get("/account")
    assert sessions_of(portal, email)[0].seen_at == first
    with time_machine.travel(first + timedelta(seconds=61)):
        client.get("/account")
    assert sessions_of(portal, email)[0].seen_at > first + timedelta(seconds=60)


def test_ac_l13_a_disabled_member_of_staff_is_out_at_once(client: FlaskClient, portal: Portal, email: str) -> None:
    """A member of staff who is disabled is logged out with that, wherever they were logged in."""
    with portal.database.transaction() as session:
        add_staff(session, email, "support", portal.clock())
    assert log_in(client, portal, email).location == "/staff/orders"
    assert sessions_of(portal, email)[0].kind == "staff"
    assert logged_in(client)
    with portal.database.transaction() as session:
        session.execute(update(StaffMember).where(StaffMember.email == email).values(disabled_at=portal.clock()))
    assert not logged_in(client)


def test_a_customer_does_not_become_staff_by_being_added(client: FlaskClient, portal: Portal, email: str) -> None:
    log_in(client, portal, email)
    with portal.database.transaction() as session:
        add_staff(session, email, "admin", portal.clock())
    assert logged_in(client)
    assert client.get("/staff/orders").status_code == 404


def test_pages_that_want_a_login_lead_there_and_back(client: FlaskClient) -> None:
    answer = client.get("/account")
    assert (answer.status_code, answer.location) == (302, "/login?next=login.account")


def test_flasks_remember_cookie_is_not_read(client: FlaskClient, portal: Portal, email: str) -> None:
    log_in(client, portal, email)
    set_cookie(client, "remember_token", f"{email}|0")
    assert logged_in(client)
    drop_cookie(client, "session")
    assert not logged_in(client)


def test_links_survive_a_change_of_the_key(
    app: Flask, settings: Settings, client: FlaskClient, portal: Portal, email: str
) -> None:
    ask(client, email)
    keys = {"secret_key": "n" * 40, "secret_key_fallbacks": settings.secret_key.get_secret_value()}
    rotated = create_app(Settings(_env_file=None, **keys))  # type: ignore[call-arg, arg-type]
    new_portal = rotated.extensions["portal"]
    secrets = mailed(new_portal, email)  # as the mail job finds them
    assert secrets == mailed(portal, email)
    browser = type(client)(rotated, app.response_class)
    set_cookie(browser, "login", cookie(client, "login") or "")
    assert post(browser, "/login/code", code=secrets.code).status_code == 303
    new_portal.database.close()
