"""Setting up the first phone."""

import base64
import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import unquote

import pytest
import segno
from flask import Flask
from flask.testing import FlaskClient

from app.kit.ids import digest, new_id
from app.models import RecoveryCode, StaffMember
from app.portal import Portal
from app.staff.people.members import add_staff
from tests.login.steps import Browser, log_in, mailed, post, session_cookie, sessions_of
from tests.staff_login.steps import Phone, may_enter, recovery_codes_of, secret_of, set_up, ticket_of

ENROL = "/staff/login/enrol"


def invited(portal: Portal, client: FlaskClient, email: str) -> FlaskClient:
    """Log a member of staff in by mail, and no more."""
    with portal.database.transaction() as session:
        add_staff(session, email, "admin", portal.clock())
    log_in(client, portal, email)
    return client


def member_of(portal: Portal, email: str) -> StaffMember:
    """Read a member's row."""
    with portal.database.transaction() as session:
        return session.get_one(StaffMember, email)


def test_ac_s01_the_mailed_link_alone_opens_no_page_of_the_back_office(
    app: Flask, portal: Portal, client: FlaskClient, member: str
) -> None:
    """Every page of the back office leads a member who only read the mail to the second factor."""
    invited(portal, client, member)
    pages = [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("staff.")]
    assert len(pages) > 5
    for rule in pages:
        path = rule.rule.replace("<order_id>", new_id())
        for method in (rule.methods or set()) & {"GET", "POST"}:
            answer = client.get(path) if method == "GET" else post(client, path)
            assert (answer.status_code, answer.location.partition("?")[0]) == (303, "/staff/login/code"), path
    assert client.get("/account").status_code == 200, "a customer of the own orders meanwhile"
    assert client.get("/staff/login/code").location == ENROL


def test_ac_s01_the_first_phone_is_set_up_once_and_shows_ten_recovery_codes_once(
    portal: Portal, client: FlaskClient, member: str
) -> None:
    """The first login leads to the QR code; a code confirms it; the back office is open; nothing is stored readable."""
    invited(portal, client, member)
    before = session_cookie(client)
    phone, answer = set_up(client)
    codes = recovery_codes_of(answer.text)
    assert (answer.status_code, len(set(codes))) == (200, 10)
    assert all(re.fullmatch(r"[2-9A-HJKMNP-Z]{4}(-[2-9A-HJKMNP-Z]{4}){5}", code) for code in codes)
    assert answer.headers["Cache-Control"] == "no-store"
    assert may_enter(client)
    assert session_cookie(client) not in {"", before}
    row = member_of(portal, member)
    assert row.totp_secret is not None
    assert phone.secret not in row.totp_secret
    assert phone.secret.encode() not in base64.urlsafe_b64decode(row.totp_secret)
    with portal.database.transaction() as session:
        stored = {one.code_hash for one in session.query(RecoveryCode).filter_by(email=member)}
    assert stored == {digest(code.replace("-", "")) for code in codes}
    again = client.get(ENROL)
    assert (again.status_code, again.location) == (303, "/staff/login/code")
    assert codes[0] not in client.get("/staff/login/factor").text


def test_the_qr_code_carries_what_the_text_says(portal: Portal, client: FlaskClient, member: str) -> None:
    """The picture is the one of the account's otpauth address with the shown secret (CSP allows data: images)."""
    page = invited(portal, client, member).get(ENROL).text
    found = re.search(r'class="qr" src="(data:image/svg\+xml[^"]+)"', page)
    assert found is not None
    issuer = portal.catalog.portal.name("en").replace(" ", "%20")
    uri = f"otpauth://totp/{issuer}:{member.replace('@', '%40')}?secret={secret_of(page)}&issuer={issuer}"
    expected = segno.make_qr(uri, error="m").svg_data_uri(scale=5, border=4, dark="#000", light="#fff")
    assert unquote(found[1].replace("&#39;", "'")) == unquote(expected)


def test_a_wrong_code_stores_nothing_and_keeps_the_secret(portal: Portal, client: FlaskClient, member: str) -> None:
    page = invited(portal, client, member).get(ENROL).text
    secret, ticket = secret_of(page), ticket_of(page)
    for typed in ("000000", "12345", "", "abcdef", "x" * 500):
        if typed == Phone(secret).code():
            continue
        answer = post(client, ENROL, ticket=ticket, code=typed)
        assert (answer.status_code, secret_of(answer.text)) == (422, secret)
    assert member_of(portal, member).totp_secret is None
    assert not may_enter(client)
    assert post(client, ENROL, ticket=ticket, code=Phone(secret).code()).status_code == 200


@pytest.mark.parametrize("ticket", ["", "x", "gAAAAA", "あ", "\0"])
def test_a_ticket_that_is_not_ours_begins_anew(portal: Portal, client: FlaskClient, member: str, ticket: str) -> None:
    invited(portal, client, member)
    answer = post(client, ENROL, ticket=ticket, code="123456")
    assert answer.status_code == 422
    assert len(secret_of(answer.text)) == 32


def test_a_secret_of_another_login_can_not_be_planted(
    portal: Portal, client: FlaskClient, stranger: FlaskClient, member: str
) -> None:
    """Else somebody could have a member confirm a phone whose secret they know."""
    other = f"other-{member}"
    page = invited(portal, stranger, other).get(ENROL).text
    invited(portal, client, member)
    answer = post(client, ENROL, ticket=ticket_of(page), code=Phone(secret_of(page)).code())
    assert answer.status_code == 422
    assert secret_of(answer.text) != secret_of(page)


def test_who_has_a_phone_can_not_set_up_another_by_mail_alone(
    portal: Portal, client: FlaskClient, stranger: FlaskClient, member: str
) -> None:
    """Whoever took over the mailbox of a member gets no further than to the question for the code."""
    page = invited(portal, stranger, member).get(ENROL).text  # opened before the phone was set up
    log_in(client, portal, member)
    set_up(client)
    before = member_of(portal, member).totp_secret
    for answer in (
        stranger.get(ENROL),
        post(stranger, ENROL, ticket=ticket_of(page), code=Phone(secret_of(page)).code()),
    ):
        assert (answer.status_code, answer.location) == (303, "/staff/login/code")
    for path in ("/staff/login/phone", "/staff/login/recovery-codes", "/staff/login/factor"):
        assert stranger.get(path).location.startswith("/staff/login/code")
        assert not may_enter(stranger)
    assert member_of(portal, member).totp_secret == before


def test_of_two_phones_at_once_one_is_set_up(four_processes: str, portal: Portal, member: str) -> None:
    """From several processes: one browser sees recovery codes, the other is asked for the code of that phone."""
    with portal.database.transaction() as session:
        add_staff(session, member, "admin", portal.clock())
    browsers, forms = [], []
    for _ in range(4):
        browser = Browser(four_processes)
        browser.post("/login", email=member)
        browser.post(f"/login/{mailed(portal, member).token}")
        page = browser.get(ENROL)[1]
        browsers.append(browser)
        forms.append({"csrf_token": browser.csrf(), "ticket": ticket_of(page), "code": Phone(secret_of(page)).code()})
    with ThreadPoolExecutor(len(browsers)) as pool:
        answers = list(pool.map(lambda browser, form: browser.submit(ENROL, **form), browsers, forms))
    assert sorted(status for status, _, _ in answers) == [200, 303, 303, 303]
    (page,) = [page for status, page, _ in answers if status == 200]
    assert len(recovery_codes_of(page)) == 10
    with portal.database.transaction() as session:
        assert session.query(RecoveryCode).filter_by(email=member).count() == 10
    assert [b.get("/staff/orders")[0] for b in browsers].count(200) == 1
    assert sum(1 for row in sessions_of(portal, member) if row.second_factor_at and row.ended_at is None) == 1


@pytest.mark.parametrize("path", ["code", "enrol", "factor", "phone", "recovery-codes"])
def test_for_everybody_else_these_pages_do_not_exist(
    portal: Portal, client: FlaskClient, email: str, path: str
) -> None:
    assert client.get(f"/staff/login/{path}").status_code == 404
    log_in(client, portal, email)
    assert client.get(f"/staff/login/{path}").status_code == 404
    if path != "factor":
        assert post(client, f"/staff/login/{path}").status_code == 404
