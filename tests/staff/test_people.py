"""The people of the back office: invite, change, disable, end logins; who may, what is logged, what can't be done."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from flask import Flask, current_app
from flask.testing import FlaskClient
from flask_babel import force_locale
from markupsafe import escape
from sqlalchemy import select

from app.errors import ConflictError
from app.kit.clock import system_clock
from app.kit.ids import new_id
from app.login.people import STAFF_STEP_UP
from app.mail.jobs import render
from app.mail.letters import NotNeededError
from app.models import Mail, StaffMember
from app.portal import Portal
from app.staff.people import members
from app.staff.people.words import PERMISSIONS, ROLES
from app.staff.permissions import MATRIX
from app.staff.permissions import ROLES as KNOWN_ROLES
from tests.cast import browser_of
from tests.helpers import Sandbox, wait_for
from tests.login.steps import log_in, post, sessions_of
from tests.staff.member import Member, log_of, member
from tests.staff_login.steps import enrol, give, may_enter, new_member

PEOPLE = "/staff/people"


@pytest.fixture
def admin(portal: Portal, app: Flask) -> Member:
    """Give an administrator."""
    return member(portal, app, "admin")


@pytest.fixture
def other() -> str:
    """Give an address that nobody has."""
    return f"new-{new_id()[:13]}@kaiseki.example"


def row_of(portal: Portal, email: str) -> StaffMember | None:
    with portal.database.transaction() as session:
        return session.get(StaffMember, email)


def deeds(portal: Portal, email: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Return what the staff log says of a member: who did what, with which data."""
    return [(entry.member, entry.action, entry.data) for entry in log_of(portal, f"staff:{email}")]


def invite(who: Member, email: str, role: str = "support", language: str = "en") -> Any:
    return post(who.client, f"{PEOPLE}/invite", email=email, role=role, language=language)


def test_who_is_invited_gets_a_mail_and_sets_up_a_phone(
    portal: Portal, app: Flask, admin: Member, other: str, sandbox: Sandbox, worker: None
) -> None:
    answer = invite(admin, other.upper())
    assert (answer.status_code, answer.location) == (303, PEOPLE)
    page = admin.client.get(PEOPLE).text
    assert f"The invitation is on its way to {other}." in page
    assert "No phone yet" in page
    mail = wait_for(lambda: next(iter(sandbox.mails(other)), None), what="the invitation")
    assert admin.email in mail["text"]
    assert f"{portal.settings.public_url}/login?next=staff.orders" in mail["text"]
    found = row_of(portal, other)
    assert found is not None
    assert (found.role, found.invited_by) == ("support", admin.email)
    assert deeds(portal, other) == [(admin.email, "staff.invite", {"role": "support"})]
    newcomer = browser_of(app)
    log_in(newcomer, portal, other)
    assert not may_enter(newcomer)
    enrol(newcomer)
    assert may_enter(newcomer)


@pytest.mark.parametrize("locale", ["ja", "en"])
def test_the_invitation_names_who_invites_and_is_dropped_when_it_says_nothing_new(
    portal: Portal, app: Flask, admin: Member, other: str, locale: str
) -> None:
    invite(admin, other, language=locale)
    with portal.database.transaction() as session:
        mail = session.scalars(select(Mail).where(Mail.to == other)).one()
    assert mail.locale == locale
    rendered = render(mail)
    for part in (rendered.text, rendered.html):
        assert admin.email in part
        assert f"{portal.settings.public_url}/login?next=staff.orders" in part
    with portal.database.transaction() as session:
        session.get_one(StaffMember, other).disabled_at = portal.clock()
    with pytest.raises(NotNeededError):
        render(mail)


def test_of_many_members_the_newest_are_shown_and_any_is_found(
    portal: Portal, app: Flask, admin: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = member(portal, app, "viewer").email
    monkeypatch.setattr(members, "MOST_SHOWN", 1)
    page = admin.client.get(PEOPLE).text
    assert "The newest 1 are shown." in page
    assert (newest in page, f"<h3>{admin.email}" in page) == (True, False)
    found = admin.client.get(PEOPLE, query_string={"q": f" {admin.email[:20].upper()}"}).text
    assert f"<h3>{admin.email}" in found
    assert newest not in found
    assert admin.client.get(PEOPLE, query_string={"q": "100%_"}).text.count("<h3>") == 0
    assert admin.client.get(PEOPLE, query_string={"q": "a\0"}).status_code == 422


def test_an_invitation_goes_out_again_until_there_is_a_phone(
    portal: Portal, client: FlaskClient, admin: Member, other: str
) -> None:
    invite(admin, other)
    assert invite(admin, other, "viewer").status_code == 303
    with portal.database.transaction() as session:
        assert len(session.scalars(select(Mail).where(Mail.to == other)).all()) == 2
        assert session.get_one(StaffMember, other).role == "viewer"
    log_in(client, portal, other)
    enrol(client)
    refused = invite(admin, other, "admin")
    assert refused.status_code == 409
    assert "is a member's already" in unescape(refused.text)
    found = row_of(portal, other)
    assert found is not None
    assert found.role == "viewer"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"email": "a b@example.jp"}, "email"),
        ({"email": ""}, "email"),
        ({"role": "king"}, "role"),
        ({"role": ""}, "role"),
        ({"language": "xx"}, "language"),
    ],
)
def test_what_can_t_be_taken_changes_nothing(
    portal: Portal, admin: Member, other: str, fields: dict[str, str], field: str
) -> None:
    answer = post(admin.client, f"{PEOPLE}/invite", **{"email": other, "role": "viewer", "language": "ja", **fields})
    assert answer.status_code == 422
    told = "in half-width letters" if field == "email" else "Please look at this once more."
    assert told in answer.text
    assert row_of(portal, other) is None


def test_ac_s02_a_role_changes_at_once_and_is_logged(portal: Portal, app: Flask, admin: Member) -> None:
    """An open session has the new rights with its next request; the log holds who, what, and digests of both roles."""
    them = member(portal, app, "admin")
    assert them.client.get(PEOPLE).status_code == 200
    assert post(admin.client, f"{PEOPLE}/role", email=them.email, role="viewer").status_code == 303
    assert them.client.get(PEOPLE).status_code == 403
    assert may_enter(them.client)
    entry = log_of(portal, f"staff:{them.email}")[-1]
    assert (entry.member, entry.role, entry.action) == (admin.email, "admin", "staff.role")
    assert entry.data == {"role": "viewer"}
    assert entry.before
    assert entry.after
    assert entry.before != entry.after


def test_ac_s08_disabled_on_the_page_is_out_at_once_and_can_come_back(
    portal: Portal, app: Flask, client: FlaskClient, admin: Member, other: str
) -> None:
    """Every login ends with the click; enabled again, the phone of before lets in."""
    phone, _ = new_member(portal, client, other)
    answer = post(admin.client, f"{PEOPLE}/disable", email=other)
    assert answer.status_code == 303
    assert "Logins that were ended: 1." in admin.client.get(PEOPLE).text
    assert client.get("/staff/orders").status_code == 404
    assert post(admin.client, f"{PEOPLE}/disable", email=other).status_code == 409
    assert post(admin.client, f"{PEOPLE}/role", email=other, role="admin").status_code == 409
    assert invite(admin, other).status_code == 409
    assert post(admin.client, f"{PEOPLE}/enable", email=other).status_code == 303
    assert post(admin.client, f"{PEOPLE}/enable", email=other).status_code == 409
    back = browser_of(app)
    log_in(back, portal, other)
    assert give(back, phone.code()).status_code == 303
    assert may_enter(back)
    told = [(who, action) for who, action, _ in deeds(portal, other)[-2:]]
    assert told == [(admin.email, "staff.disable"), (admin.email, "staff.enable")]


def test_logins_of_a_member_are_listed_and_ended(portal: Portal, app: Flask, admin: Member) -> None:
    one = member(portal, app, "viewer")
    two, three = (member(portal, app, email=one.email) for _ in range(2))
    stranger = member(portal, app, "viewer")
    page = admin.client.get(PEOPLE).text
    assert one.session_id in page
    assert post(admin.client, f"{PEOPLE}/sessions/end", email=one.email, session=two.session_id).status_code == 303
    assert [may_enter(here.client) for here in (one, two, three)] == [True, False, True]
    # The session of somebody else than the form says is nobody's.
    post(admin.client, f"{PEOPLE}/sessions/end", email=one.email, session=stranger.session_id)
    assert may_enter(stranger.client)
    assert post(admin.client, f"{PEOPLE}/sessions/end", email=one.email).status_code == 303
    assert [may_enter(here.client) for here in (one, two, three)] == [False] * 3
    assert [data for _, _, data in deeds(portal, one.email)] == [{"sessions": 1}, {"sessions": 2}]
    assert sum(1 for row in sessions_of(portal, one.email) if row.ended_at is None) == 0


def test_step_up_before_every_change(portal: Portal, app: Flask, client: FlaskClient, other: str) -> None:
    """Five minutes after the second factor there are no forms but a way to give it again, which leads back here."""
    phone, _ = new_member(portal, client, other, role="admin")
    them = member(portal, app, "viewer")
    client.get("/login/code?lang=en")
    assert f'action="{PEOPLE}/invite"' in client.get(PEOPLE).text
    with time_machine.travel(system_clock() + STAFF_STEP_UP + timedelta(seconds=10)):
        page = client.get(PEOPLE).text
        assert them.email in page
        assert f'action="{PEOPLE}/' not in page
        there = "/staff/login/code?next=staff_people.index&again=1"
        assert there.replace("&", "&amp;") in page
        for verb, fields in (
            ("invite", {"email": f"x-{other}", "role": "viewer", "language": "ja"}),
            ("role", {"email": them.email, "role": "admin"}),
            ("disable", {"email": them.email}),
            ("enable", {"email": them.email}),
            ("sessions/end", {"email": them.email}),
        ):
            answer = post(client, f"{PEOPLE}/{verb}", **fields)
            assert (answer.status_code, answer.location) == (303, there), verb
        assert deeds(portal, them.email) == []
        back = give(client, phone.code(), next="staff_people.index")
        assert (back.status_code, back.location) == (303, PEOPLE)
        assert f'action="{PEOPLE}/invite"' in client.get(PEOPLE).text


@pytest.fixture
def house(own_house: tuple[Portal, dict[str, str]]) -> tuple[Portal, Flask]:
    """Give a portal without any staff, and its application."""
    return own_house[0], current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001


def test_the_last_administrator_stays(house: tuple[Portal, Flask]) -> None:
    portal, app = house
    admin = member(portal, app, "admin")
    for verb, fields in (("disable", {}), ("role", {"role": "refunder"})):
        answer = post(admin.client, f"{PEOPLE}/{verb}", email=admin.email, **fields)
        assert answer.status_code == 409
        assert "This is the last administrator." in answer.text
    assert post(admin.client, f"{PEOPLE}/role", email=admin.email, role="admin").status_code == 303
    second = member(portal, app, "admin")
    assert post(second.client, f"{PEOPLE}/disable", email=admin.email).status_code == 303
    assert post(second.client, f"{PEOPLE}/disable", email=second.email).status_code == 409


def test_of_administrators_who_put_each_other_out_at_once_one_stays(house: tuple[Portal, Flask]) -> None:
    portal, app = house
    them = [member(portal, app, "admin").email for _ in range(4)]
    outs: list[Callable[[Any, str], object]] = [
        lambda session, email: members.put_out(session, email, portal.clock()),
        lambda session, email: members.change_role(session, email, "viewer", portal.clock()),
    ]

    def out(number: int) -> bool:
        with app.app_context():
            try:
                with portal.database.transaction() as session:
                    outs[number % 2](session, them[number])
            except ConflictError:
                return False
        return True

    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(out, range(4)))
    assert sorted(done) == [False, True, True, True]
    with portal.database.transaction() as session:
        left = [one.email for one in members.all_staff(session) if one.role == "admin" and one.disabled_at is None]
    assert left == [them[done.index(False)]]


def test_what_operators_do_in_the_shell_is_logged_too(app: Flask, portal: Portal, other: str) -> None:
    run = app.test_cli_runner().invoke
    for words in (
        ["add", other, "--role", "viewer"], ["add", other, "--role", "viewer"], ["add", other, "--role", "admin"],
        ["reset-factor", other], ["disable", other], ["disable", other], ["add", other, "--role", "support"],
    ):  # fmt: skip
        run(args=["portal", "staff", *words])
    assert [(who, action) for who, action, _ in deeds(portal, other)] == [
        ("command line", "staff.add"),
        ("command line", "staff.role"),
        ("command line", "staff.reset_factor"),
        ("command line", "staff.disable"),
        ("command line", "staff.add"),
    ]


def test_ac_s02_the_page_shows_the_matrix_in_words(admin: Member) -> None:
    """Every right and every role has a word, and the page shows which role may what."""
    assert set(PERMISSIONS) == set(MATRIX)
    assert set(ROLES) == set(KNOWN_ROLES)
    page = admin.client.get(PEOPLE).text
    with force_locale("en"):
        words = [str(escape(word)) for word in (*PERMISSIONS.values(), *ROLES.values())]
    assert [word for word in words if word not in page] == []
