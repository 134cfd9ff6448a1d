"""Giving the second factor: codes of the phone and recovery codes, each once, and few guesses."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app import create_app
from app.kit.clock import system_clock
from app.kit.ids import new_id
from app.login.sessions import exchange_session
from app.models import StaffMember
from app.portal import EXTENSION, Portal
from app.settings import Settings
from app.staff_login.service import TRIES, WITHIN
from tests.login.steps import (
    Browser,
    drop_cookie,
    log_in,
    mailed,
    post,
    session_cookie,
    sessions_of,
    set_cookie,
)
from tests.staff_login.steps import Phone, give, may_enter, new_member

CODE = "/staff/login/code"


def wrong_code(phone: Phone) -> str:
    """Return six digits that no step near now has."""
    step = int(time.time()) // 30
    taken = {phone.shown(step + shift) for shift in range(-5, 6)}
    return next(f"{n:06}" for n in range(100) if f"{n:06}" not in taken)


def again(portal: Portal, client: FlaskClient, email: str) -> FlaskClient:
    """Log a member in by mail once more; the second factor is wanted."""
    log_in(client, portal, email)
    assert not may_enter(client)
    return client


def test_ac_l12_the_second_factor_exchanges_the_sessions_secret(
    portal: Portal, client: FlaskClient, stranger: FlaskClient, member: str
) -> None:
    """Who copied or planted the cookie of before the second factor is not let in by it."""
    phone, _ = new_member(portal, client, member)
    again(portal, client, member)
    copied = session_cookie(client)
    with client.session_transaction() as planted:
        planted["cart"] = "of the attacker"
    answer = give(client, phone.code())
    assert (answer.status_code, answer.location) == (303, "/staff/orders")
    assert session_cookie(client) not in {"", copied}
    assert may_enter(client)
    with client.session_transaction() as after:
        assert "cart" not in after
    set_cookie(stranger, "session", copied)
    assert stranger.get("/account").status_code == 302, "not even as a customer"
    assert stranger.get("/staff/orders").status_code == 404


def test_the_absolute_life_goes_on_from_the_mailed_login(portal: Portal, client: FlaskClient, member: str) -> None:
    phone, _ = new_member(portal, client, member)
    again(portal, client, member)
    before = next(row for row in sessions_of(portal, member) if row.ended_at is None and not row.second_factor_at)
    with time_machine.travel(system_clock() + timedelta(minutes=20)):
        assert give(client, phone.code()).status_code == 303
    (fresh,) = [row for row in sessions_of(portal, member) if row.second_factor_at and row.ended_at is None]
    assert fresh.created_at == before.created_at
    assert fresh.seen_at > fresh.created_at + timedelta(minutes=19)


def test_a_session_is_exchanged_once(portal: Portal, client: FlaskClient, member: str) -> None:
    new_member(portal, client, member)
    live = next(row for row in sessions_of(portal, member) if row.ended_at is None)
    with portal.database.transaction() as session:
        assert exchange_session(session, live.id, portal.clock())
    with portal.database.transaction() as session:
        assert exchange_session(session, live.id, portal.clock()) is None, "a second one with the same cookie"
        assert exchange_session(session, "nobody's", portal.clock()) is None


def test_it_leads_to_the_page_that_was_wanted_and_nowhere_else(
    portal: Portal, client: FlaskClient, member: str
) -> None:
    phone, _ = new_member(portal, client, member)
    again(portal, client, member)
    order_id = new_id()
    asked = client.get(f"/staff/orders/{order_id}")
    assert asked.location == f"{CODE}?next=staff.order&order={order_id}"
    page = client.get(asked.location).text
    assert 'name="next" value="staff.order"' in page
    assert give(client, phone.code(), next="staff.order", order=order_id).location == f"/staff/orders/{order_id}"
    again(portal, client, member)
    for evil in ("https://evil.example", "//evil.example", "login.logout"):
        answer = give(client, phone.code() if evil == "login.logout" else wrong_code(phone), next=evil)
        assert "evil" not in answer.text
    assert answer.location == "/staff/orders"


def test_no_code_works_twice_nor_one_before_the_last(
    portal: Portal, client: FlaskClient, stranger: FlaskClient, member: str
) -> None:
    phone, _ = new_member(portal, client, member)
    set_up_with = phone.shown(phone.last)
    again(portal, client, member)
    assert give(client, set_up_with).status_code == 422, "the code that set the phone up"
    with time_machine.travel(system_clock() + timedelta(minutes=2)):
        now = int(time.time()) // 30
        assert give(client, phone.shown(now)).status_code == 303
        again(portal, stranger, member)
        for step in (now, now - 1):
            assert give(stranger, phone.shown(step)).status_code == 422
            assert not may_enter(stranger)
        assert give(stranger, phone.shown(now + 1)).status_code == 303


@pytest.mark.parametrize(("shift", "status"), [(-2, 422), (-1, 303), (0, 303), (1, 303), (2, 422)])
def test_a_phones_clock_may_be_a_step_off(
    portal: Portal, client: FlaskClient, member: str, shift: int, status: int
) -> None:
    phone, _ = new_member(portal, client, member)
    later = system_clock() + timedelta(minutes=5)
    with time_machine.travel(later.replace(second=10, microsecond=0), tick=False):
        again(portal, client, member)
        assert give(client, phone.shown(int(time.time()) // 30 + shift)).status_code == status


@pytest.mark.parametrize("write", ["{0} {1}", " {0}{1} ", "{wide}", "{0}\t{1}"])
def test_how_a_code_is_typed_is_forgiven(portal: Portal, client: FlaskClient, member: str, write: str) -> None:
    phone, _ = new_member(portal, client, member)
    again(portal, client, member)
    code = phone.code()
    wide = code.translate({ord(digit): chr(ord(digit) + 0xFEE0) for digit in "0123456789"})
    assert give(client, write.format(code[:3], code[3:], wide=wide)).status_code == 303


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "١٢٣٤٥٦", "-12345", "1e5", "あ", "\0", "9" * 5000])
def test_what_is_no_code_is_refused(portal: Portal, client: FlaskClient, member: str, typed: str) -> None:
    new_member(portal, client, member)
    assert give(again(portal, client, member), typed).status_code == 422


def in_processes(base: str, portal: Portal, email: str, count: int) -> tuple[list[Browser], list[str]]:
    """Log browsers in by mail; return them and a CSRF token of each."""
    browsers = [Browser(base) for _ in range(count)]
    for browser in browsers:
        browser.post("/login", email=f"{email}")
        browser.post(f"/login/{mailed(portal, email).token}")
    return browsers, [browser.csrf() for browser in browsers]


@pytest.mark.parametrize("kind", ["phone", "recovery"])
def test_of_two_posts_of_one_code_one_wins(
    four_processes: str, portal: Portal, client: FlaskClient, member: str, kind: str
) -> None:
    """Four browsers of one member give the same code at once, in several processes: one is in."""
    phone, recovery = new_member(portal, client, member)
    browsers, tokens = in_processes(four_processes, portal, member, 4)
    code = phone.code() if kind == "phone" else recovery[3]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda b, t: b.submit(CODE, csrf_token=t, code=code)[0], browsers, tokens))
    assert sorted(answers) == [303, 422, 422, 422]
    assert [browser.get("/staff/orders")[0] for browser in browsers].count(200) == 1


def test_one_session_at_once_is_exchanged_once(
    four_processes: str, portal: Portal, client: FlaskClient, member: str
) -> None:
    """Copies of one cookie with different good codes: one is in, the others' codes are not used up."""
    _, recovery = new_member(portal, client, member)
    (browser,), (token,) = in_processes(four_processes, portal, member, 1)
    copies = [browser.twin() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda b, c: b.submit(CODE, csrf_token=token, code=c), copies, recovery))
    ways = sorted((status, headers["Location"]) for status, _, headers in answers)
    assert [where for _, where in ways].count("/staff/orders") == 1
    assert {status for status, _ in ways} <= {303, 404}
    again(portal, client, member)
    give(client, recovery[9])
    assert "8 of 10" in client.get("/staff/login/factor?lang=en").text


def test_five_wrong_codes_and_one_has_to_wait(portal: Portal, client: FlaskClient, member: str) -> None:
    """Also with the right code, and in any browser; the page says until when. After that it works again."""
    phone, recovery = new_member(portal, client, member)
    again(portal, client, member)
    start = system_clock()
    for _ in range(TRIES):
        assert give(client, wrong_code(phone)).status_code == 422
    for code in (phone.code(), recovery[0]):
        answer = give(client, code)
        assert answer.status_code == 429
        assert 0 < int(answer.headers["Retry-After"]) <= WITHIN.total_seconds()
        assert "five wrong codes" in client.get(f"{CODE}?lang=en").text
    with time_machine.travel(start + WITHIN + timedelta(seconds=2)):
        assert give(client, phone.code()).status_code == 303
        assert may_enter(client)


def test_right_codes_do_not_give_guesses_back(
    portal: Portal, client: FlaskClient, stranger: FlaskClient, member: str
) -> None:
    """Else who guesses would have five more at every login of the member."""
    _, recovery = new_member(portal, client, member)
    again(portal, stranger, member)
    for code in recovery[:3]:
        assert give(again(portal, client, member), code).status_code == 303
    for count in range(TRIES):
        assert give(stranger, "WRONG").status_code == 422
        if count == 2:
            assert give(again(portal, client, member), recovery[4]).status_code == 303
    assert give(stranger, "WRONG").status_code == 429


def test_guesses_at_once_are_bounded_for_all_processes_together(
    four_processes: str, portal: Portal, client: FlaskClient, member: str
) -> None:
    phone, _ = new_member(portal, client, member)
    browsers, tokens = in_processes(four_processes, portal, member, 2)
    guess = wrong_code(phone)
    with ThreadPoolExecutor(16) as pool:
        answers = list(
            pool.map(lambda n: browsers[n % 2].twin().submit(CODE, csrf_token=tokens[n % 2], code=guess)[0], range(16))
        )
    assert sorted(answers) == [422] * TRIES + [429] * (16 - TRIES)


def test_a_recovery_code_works_once_and_for_its_member_only(
    portal: Portal, client: FlaskClient, stranger: FlaskClient, member: str
) -> None:
    _, codes = new_member(portal, client, member)
    _, others = new_member(portal, stranger, f"other-{member}")
    again(portal, client, member)
    assert give(client, others[0]).status_code == 422
    assert give(client, f"  {codes[0].lower().replace('-', ' ')} ").status_code == 303
    again(portal, client, member)
    assert give(client, codes[0]).status_code == 422
    assert give(client, codes[1].replace("-", "")).status_code == 303


def house_with(settings: Settings, **changes: object) -> tuple[Flask, Portal]:
    """Build the portal with other settings on the same database."""
    application = create_app(settings.model_copy(update=changes))
    application.config.update(TESTING=False, PROPAGATE_EXCEPTIONS=False)
    return application, application.extensions[EXTENSION]


def test_keys_can_be_changed_and_the_secret_moves_along(
    settings: Settings, portal: Portal, client: FlaskClient, member: str
) -> None:
    """Each use encrypts the secret anew under the newest key, so that the old key can go some time later."""
    phone, recovery = new_member(portal, client, member)
    other = f"other-{member}"
    unused_phone, unused_recovery = new_member(portal, client, other)
    old, secret = settings.secret_key, type(settings.secret_key)

    def sealed() -> str | None:
        with portal.database.transaction() as session:
            return session.scalar(select(StaffMember.totp_secret).where(StaffMember.email == member))

    before = sealed()
    new = secret("a-second-key-that-is-not-a-secret-either-0123")
    both, house = house_with(settings, secret_key=new, secret_key_fallbacks=[old])
    with both.app_context():
        browser = type(client)(both, both.response_class)
        again(house, browser, member)
        assert give(browser, phone.code()).status_code == 303
    assert sealed() != before
    alone, house = house_with(settings, secret_key=new)
    with alone.app_context():
        browser = type(client)(alone, alone.response_class)
        again(house, browser, member)
        assert give(browser, phone.code()).status_code == 303
        # Who did not log in in all that time gets in with a recovery code, which needs no key.
        again(house, browser, other)
        assert give(browser, unused_phone.code()).status_code == 422
        assert give(browser, unused_recovery[0]).status_code == 303
    assert recovery
    for one in (both, alone):
        one.extensions[EXTENSION].database.close()


def test_a_secret_copied_to_another_member_opens_nothing(
    portal: Portal, client: FlaskClient, stranger: FlaskClient, member: str
) -> None:
    """Who can write to the database but has no key of the portal can't give somebody their own phone."""
    mine, _ = new_member(portal, stranger, f"other-{member}")
    new_member(portal, client, member)
    again(portal, client, member)
    with portal.database.transaction() as session:
        secret = select(StaffMember.totp_secret).where(StaffMember.email == f"other-{member}").scalar_subquery()
        session.execute(update(StaffMember).where(StaffMember.email == member).values(totp_secret=secret))
    assert give(client, mine.code()).status_code == 422


def test_the_moved_clock_of_a_demo_does_not_matter(
    settings: Settings, client: FlaskClient, member: str, tmp_path: Path
) -> None:
    """Phones show codes of the real time, whatever the stand-in's clock says."""
    clock = tmp_path / "clock"
    clock.write_text(str(10 * 86_400))
    application, house = house_with(settings, clock_file=clock)
    with application.app_context():
        browser = type(client)(application, application.response_class)
        phone, _ = new_member(house, browser, member)
        again(house, browser, member)
        assert give(browser, phone.code()).status_code == 303
    house.database.close()


def test_it_takes_a_csrf_token(portal: Portal, client: FlaskClient, member: str) -> None:
    phone, _ = new_member(portal, client, member)
    again(portal, client, member)
    assert client.post(CODE, data={"code": phone.code()}).status_code == 400
    assert not may_enter(client)


def test_codes_are_not_in_the_log(
    portal: Portal, client: FlaskClient, member: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Each step is logged, with the masked address and without any code (ASVS 16.2.5, 16.3.1)."""
    phone, recovery = new_member(portal, client, member)
    again(portal, client, member)
    guess = wrong_code(phone)
    give(client, guess)
    give(client, recovery[0])
    drop_cookie(client, "session")
    told = caplog.text
    for event in ("staff_login.set_up", "staff_login.wrong", "staff_login.proved"):
        assert event in told
    for secret in (member, phone.secret, phone.shown(phone.last), guess, recovery[0], recovery[0].replace("-", "")):
        assert secret not in told
    assert post(client, CODE).status_code == 404
