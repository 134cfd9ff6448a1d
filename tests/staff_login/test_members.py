"""`portal staff`: operators put members out, let them set up a new phone, and see how they stand."""

from collections.abc import Callable

import pytest
from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient

from app.models import RecoveryCode, StaffMember
from app.portal import Portal
from tests.login.steps import Browser, log_in, mailed, sessions_of
from tests.staff_login.steps import enrol, give, may_enter, new_member

Run = Callable[..., Result]


@pytest.fixture
def run(app: Flask) -> Run:
    """Give a function that runs `portal staff ...`."""
    runner = app.test_cli_runner()
    return lambda *words: runner.invoke(args=["portal", "staff", *words])


def test_ac_s01_a_new_portal_has_no_staff_and_no_page_makes_one(
    own_house: tuple[Portal, dict[str, str]], client: FlaskClient, portal: Portal, email: str
) -> None:
    """No default account; who logs in is a customer until an operator says otherwise."""
    with own_house[0].database.transaction() as session:
        assert session.query(StaffMember).count() == 0
    log_in(client, portal, email)
    assert {row.kind for row in sessions_of(portal, email)} == {"customer"}
    with portal.database.transaction() as session:
        assert session.get(StaffMember, email) is None


def test_ac_s08_a_disabled_member_is_out_at_once(
    portal: Portal, client: FlaskClient, stranger: FlaskClient, member: str, run: Run
) -> None:
    """Sessions end in the moment of the command, with and without the second factor; the next login is a customer's."""
    phone, _ = new_member(portal, client, member)
    log_in(stranger, portal, member)
    assert may_enter(client)
    done = run("disable", member)
    assert (done.exit_code, done.output) == (0, f"staff {member}: disabled, 2 sessions ended\n")
    assert client.get("/staff/orders").status_code == 404
    assert client.get("/account").status_code == stranger.get("/account").status_code == 302
    assert give(stranger, phone.code()).status_code == 404
    assert all(row.ended_at for row in sessions_of(portal, member))
    log_in(client, portal, member)
    assert {row.kind for row in sessions_of(portal, member) if row.ended_at is None} == {"customer"}
    assert client.get("/staff/orders").status_code == 404
    assert client.get("/staff/login/code").status_code == 404
    assert f"{member}  support  disabled 20" in run("list").output
    assert run("disable", member).exit_code == 1


def test_ac_s08_in_every_process(
    four_processes: str, portal: Portal, client: FlaskClient, member: str, run: Run
) -> None:
    """No web process remembers that a disabled member was in."""
    phone, _ = new_member(portal, client, member)
    browser = Browser(four_processes)
    browser.post("/login", email=member)
    browser.post(f"/login/{mailed(portal, member).token}")
    assert browser.post("/staff/login/code", code=phone.code())[0] == 303
    assert [browser.get("/staff/orders")[0] for _ in range(8)] == [200] * 8
    assert run("disable", member).exit_code == 0
    assert [browser.get("/staff/orders")[0] for _ in range(8)] == [404] * 8


def test_a_member_who_comes_back_needs_the_phone_of_before(
    portal: Portal, client: FlaskClient, member: str, run: Run
) -> None:
    phone, _ = new_member(portal, client, member)
    run("disable", member)
    run("add", member, "--role", "viewer")
    assert not may_enter(client)
    log_in(client, portal, member)
    assert client.get("/staff/login/enrol").location == "/staff/login/code"
    assert give(client, phone.code()).status_code == 303
    assert may_enter(client)


def test_reset_factor_forgets_phone_and_codes_and_ends_sessions(
    portal: Portal, client: FlaskClient, member: str, run: Run
) -> None:
    phone, recovery = new_member(portal, client, member)
    assert "phone set up, 10 recovery codes left" in run("list").output
    done = run("reset-factor", member)
    assert done.output == f"staff {member}: sets up a new phone at the next login, 1 session ended\n"
    assert f"{member}  support  active  no phone yet" in run("list").output
    assert not may_enter(client)
    log_in(client, portal, member)
    for code in (phone.code(), recovery[0]):
        answer = give(client, code)
        assert (answer.status_code, answer.location) == (303, "/staff/login/enrol")
    assert not may_enter(client)
    with portal.database.transaction() as session:
        row = session.get_one(StaffMember, member)
        assert (row.totp_secret, row.totp_step, row.wrong_codes) == (None, None, 0)
        assert session.query(RecoveryCode).filter_by(email=member).count() == 0
    enrol(client)
    assert may_enter(client)


@pytest.mark.parametrize("command", ["disable", "reset-factor"])
def test_who_is_no_member_is_said_so(run: Run, email: str, command: str) -> None:
    done = run(command, email)
    assert (done.exit_code, done.output) == (1, f"Error: {email} is no active member of staff\n")
    assert run(command, "a b@example.jp").exit_code == 2
