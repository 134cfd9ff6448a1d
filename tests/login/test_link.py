"""The mailed link: inert until pressed, once, for ten minutes."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient

from app.kit.addresses import masked
from app.kit.clock import system_clock
from app.portal import Portal
from tests.login.steps import (
    Browser,
    ask,
    csrf_of,
    drop_cookie,
    log_in,
    mailed,
    post,
    requests_of,
    session_cookie,
    sessions_of,
    shape,
)

ENGLISH = {"Accept-Language": "en"}
SCANNERS = [
    "",
    "curl/8.5.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 HeadlessChrome/120.0 Safari/537.36",
    "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0) SafeLinks",
]


@pytest.mark.parametrize("agent", SCANNERS)
@pytest.mark.parametrize("with_cookies", [True, False])
def test_ac_l01_scanner_get_is_inert(
    client: FlaskClient, stranger: FlaskClient, portal: Portal, email: str, agent: str, *, with_cookies: bool
) -> None:
    """A scanner that opens the link, however often and as whatever browser, uses nothing up and gets no session."""
    ask(client, email)
    path = f"/login/{mailed(portal, email).token}"
    scanner = client if with_cookies else stranger
    for method in ["GET", "HEAD"] * 10:
        answer = scanner.open(path, method=method, headers={"User-Agent": agent})
        assert answer.status_code == 200
        assert not any(c.startswith(("session=", "__Host-session=")) for c in answer.headers.getlist("Set-Cookie"))
    assert requests_of(portal, email)[0].consumed_at is None
    assert sessions_of(portal, email) == []
    assert post(client, path).status_code == 303
    assert client.get("/account").status_code == 200


def test_ac_l03_twenty_presses_are_one_login(
    four_processes: str, client: FlaskClient, portal: Portal, email: str
) -> None:
    """Of twenty presses of one link at once, in four real processes, one logs in."""
    ask(client, email)
    path = f"/login/{mailed(portal, email).token}"
    browsers = [Browser(four_processes) for _ in range(20)]
    tokens = [csrf_of(browser.get(path)[1]) for browser in browsers]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda b, t: b.submit(path, csrf_token=t)[0], browsers, tokens))
    assert sorted(answers) == [303] + [410] * 19
    assert len(sessions_of(portal, email)) == 1


def test_ac_l03_link_and_code_at_once_are_one_login(four_processes: str, portal: Portal, email: str) -> None:
    """The link of one mail and the code of another, used in the same moment: one logs in, and nothing breaks."""
    for turn in range(10):
        address = f"{turn}-{email}"
        first, second = Browser(four_processes), Browser(four_processes)
        first.post("/login", email=address)
        path = f"/login/{mailed(portal, address).token}"
        second.post("/login", email=address)
        by_link = (first, path, {"csrf_token": first.csrf()})
        by_code = (second, "/login/code", {"code": mailed(portal, address).code, "csrf_token": second.csrf()})
        with ThreadPoolExecutor(4) as pool:
            uses = [by_code, by_link] * 2
            answers = list(pool.map(lambda use: use[0].twin().submit(use[1], **use[2])[0], uses))
        assert answers.count(303) == 1, answers
        assert set(answers) <= {303, 410, 422}
        assert len(sessions_of(portal, address)) == 1


@pytest.mark.parametrize("shift", [timedelta(seconds=-600), timedelta(seconds=-601), timedelta(hours=1)])
def test_ac_l04_too_old_and_from_the_future_look_unknown(
    client: FlaskClient, portal: Portal, email: str, shift: timedelta
) -> None:
    """A link that is too old, or from the future, is refused with the page of one that never was."""
    with time_machine.travel(system_clock() + shift):
        ask(client, email)
    drop_cookie(client, "portal")  # signed at another time
    secrets = mailed(portal, email)
    answer = post(client, f"/login/{secrets.token}")
    assert answer.status_code == 410
    unknown = post(client, "/login/never-was")
    assert unknown.status_code == 410
    assert shape(answer.text).replace(secrets.token, "never-was") == shape(unknown.text)
    assert post(client, "/login/code", code=secrets.code).status_code == 422
    assert sessions_of(portal, email) == []


def test_ac_l04_a_link_lives_ten_minutes(client: FlaskClient, portal: Portal, email: str) -> None:
    """A link works shortly before its ten minutes are over, and no link lives longer."""
    with time_machine.travel(system_clock() - timedelta(seconds=590)):
        ask(client, email)
    assert post(client, f"/login/{mailed(portal, email).token}").status_code == 303
    request = requests_of(portal, email)[0]
    assert request.expires_at - request.created_at <= timedelta(seconds=600)


def test_ac_l05_the_first_success_ends_all_links_of_the_address(
    client: FlaskClient, portal: Portal, email: str
) -> None:
    """The first login uses up every link and code of the address."""
    ask(client, email)
    older = mailed(portal, email)
    ask(client, email)
    newer = mailed(portal, email)
    assert older != newer
    assert client.get(f"/login/{older.token}").status_code == 200
    assert post(client, f"/login/{newer.token}").status_code == 303
    for secrets in (older, newer):
        assert post(client, f"/login/{secrets.token}").status_code == 410
        assert post(client, "/login/code", code=secrets.code).status_code == 422
    assert len(sessions_of(portal, email)) == 1


def test_ac_l05_the_older_link_works_until_then(client: FlaskClient, portal: Portal, email: str) -> None:
    """Asked twice: the older link works as well, until one of them was used."""
    ask(client, email)
    older = mailed(portal, email)
    ask(client, email)
    assert post(client, f"/login/{older.token}").status_code == 303
    assert post(client, f"/login/{mailed(portal, email).token}").status_code == 410


def test_ac_l06_another_browser_is_asked_first(
    client: FlaskClient, stranger: FlaskClient, portal: Portal, email: str
) -> None:
    """In a browser that did not ask, the link first names the account that it would open on this device."""
    ask(client, email)
    path = f"/login/{mailed(portal, email).token}"
    same = client.get(path, headers=ENGLISH).text
    assert masked(email) in same
    assert "Log in on this device?" not in same
    other = stranger.get(path, headers=ENGLISH).text
    assert masked(email) in other
    assert email not in other
    assert "Log in on this device?" in other
    assert sessions_of(portal, email) == []


def test_a_used_link_offers_a_new_one(client: FlaskClient, portal: Portal, email: str) -> None:
    log_in(client, portal, email)
    page = client.get(f"/login/{mailed(portal, email).token}")
    assert page.status_code == 410
    assert 'action="/login"' in page.text


def test_pressing_without_the_form_is_refused(client: FlaskClient, portal: Portal, email: str) -> None:
    ask(client, email)
    assert client.post(f"/login/{mailed(portal, email).token}").status_code in {400, 403}
    assert not session_cookie(client)
    assert requests_of(portal, email)[0].consumed_at is None
