"""Asking for a mail: the same answer for everybody, limits, where it leads."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.kit.clock import system_clock
from app.kit.ids import new_id
from app.kit.login_secrets import code_of
from app.kit.networks import network_of
from app.login import limits
from app.login.limits import limit_key
from app.models import LoginRequest, Mail
from app.portal import Portal
from app.staff.people.members import add_staff
from tests.helpers import make_order
from tests.login.steps import (
    Browser,
    ask,
    csrf_of,
    drop_cookie,
    mailed,
    post,
    requests_of,
    sessions_of,
    shape,
)


def mails_to(portal: Portal, *emails: str) -> int:
    with portal.database.transaction() as session:
        return session.scalar(select(func.count()).select_from(Mail).where(Mail.to.in_(emails))) or 0


def test_ac_l07_everybody_gets_the_same_answer(
    new_browser: Callable[[], FlaskClient], portal: Portal, email: str
) -> None:
    """Known, unknown, staff, and an address whose mails fail: same status, bytes and headers, and a mail to each."""
    known, staff, bounced = f"known-{email}", f"staff-{email}", f"bounced-{email}"
    make_order(portal, email=known)
    with portal.database.transaction() as session:
        add_staff(session, staff, "admin", portal.clock())
        session.add(
            Mail(
                id=new_id(), dedup_key=new_id(), kind="login", to=bounced, locale="ja", params={}, state="failed",
                error="MessageRejected: Address is on the suppression list", created_at=portal.clock(),
            )
        )  # fmt: skip
    seen = set()
    for address in (known, staff, bounced, email):
        browser = new_browser()
        first = ask(browser, address)
        page = browser.get("/login/code")
        headers = {k: v for k, v in page.headers if k not in {"X-Request-Id", "Content-Security-Policy"}}
        seen.add((first.status_code, first.location, first.text, page.status_code, shape(page.text), str(headers)))
        names = [c.split("=")[0] for c in first.headers.getlist("Set-Cookie")]
        assert names == ["login"]
    assert len(seen) == 1
    assert mails_to(portal, known, staff, email) == 3
    assert mails_to(portal, bounced) == 2


def test_ac_l08_six_an_hour_fifteen_a_day(client: FlaskClient, portal: Portal, email: str) -> None:
    """Six login mails an hour and fifteen a day go to one address; the answer stays the same."""
    now = system_clock()
    for hours in (20, 10, 0):
        with time_machine.travel(now - timedelta(hours=hours)):
            drop_cookie(client, "portal")
            answers = {ask(client, email).status_code for _ in range(8)}
        assert answers == {303}
    # 6 of the first 8, 6 of the second, then the day's rest.
    assert mails_to(portal, email) == 15


def test_ac_l08_tag_and_dots_count_together_but_stay_apart(client: FlaskClient, portal: Portal, email: str) -> None:
    """Spellings with a tag or dots share one count, and stay different people."""
    tagged = email.replace("@", "+x@")
    dotted = f"{email[:2]}.{email[2:]}"
    for _ in range(3):
        for address in (email, tagged, dotted):
            ask(client, address)
    assert mails_to(portal, email, tagged, dotted) == 6
    assert len({r.email for a in (email, tagged, dotted) for r in requests_of(portal, a)}) == 3


def test_ac_l08_the_limit_never_locks_out_a_pending_code(
    client: FlaskClient, stranger: FlaskClient, portal: Portal, email: str
) -> None:
    ask(client, email)
    code = mailed(portal, email).code
    for _ in range(20):
        ask(stranger, email)
    ask(client, email)  # over the limit: no mail, but the first code still works here
    assert mails_to(portal, email) == 6
    assert post(client, "/login/code", code=code).status_code == 303


@pytest.fixture
def network_limits(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "RATELIMIT_ENABLED", True)
    monkeypatch.setattr(limits, "IN_ALL", (1_000_000, limits.HOUR))


def _from(client: FlaskClient, ip: str, **headers: str) -> int:
    token = csrf_of(client.get("/login", environ_base={"REMOTE_ADDR": ip}).text)
    answer = client.post(
        "/login",
        data={"email": f"{new_id()}@example.jp", "csrf_token": token},
        environ_base={"REMOTE_ADDR": ip},
        headers=headers,
    )
    if answer.status_code == 429:
        assert int(answer.headers["Retry-After"]) > 3000
    return answer.status_code


@pytest.mark.usefixtures("network_limits")
def test_ac_l08_twenty_an_hour_from_one_network(client: FlaskClient) -> None:
    # A network that no other test asks from: the unique local range, a random /64 of it.
    base = f"fd00:{new_id()[:4]}:{new_id()[:4]}:{new_id()[:4]}"
    assert [_from(client, f"{base}::{n:x}") for n in range(1, 21)] == [303] * 20
    assert _from(client, f"{base}::ffff") == 429
    with time_machine.travel(system_clock() + timedelta(hours=1, minutes=1)):
        assert _from(client, f"{base}::1") == 303


@pytest.mark.usefixtures("network_limits")
def test_ac_l08_asks_over_the_address_limit_count_for_the_network(
    client: FlaskClient, portal: Portal, email: str
) -> None:
    ip = f"fd00:{new_id()[:4]}:{new_id()[:4]}:{new_id()[:4]}::1"
    token = csrf_of(client.get("/login").text)
    answers = [
        client.post("/login", data={"email": email, "csrf_token": token}, environ_base={"REMOTE_ADDR": ip}).status_code
        for _ in range(21)
    ]
    assert answers == [303] * 20 + [429]
    assert mails_to(portal, email) == 6


@pytest.mark.usefixtures("network_limits")
def test_ac_l08_in_all(client: FlaskClient, portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    with portal.database.transaction() as session:
        mailed_now = session.scalar(
            select(func.count())
            .select_from(LoginRequest)
            .where(
                LoginRequest.created_at > portal.clock() - limits.HOUR,
                LoginRequest.expires_at > LoginRequest.created_at,
            )
        )
    monkeypatch.setattr(limits, "IN_ALL", ((mailed_now or 0) + 1, limits.HOUR))
    ip = f"fd00:{new_id()[:4]}:{new_id()[:4]}:{new_id()[:4]}::1"
    token = csrf_of(client.get("/login").text)
    answers = []
    for _ in range(2):
        fields = {"email": f"{new_id()}@example.jp", "csrf_token": token}
        answers.append(client.post("/login", data=fields, environ_base={"REMOTE_ADDR": ip}).status_code)
    assert answers == [303, 429]


@pytest.mark.usefixtures("network_limits")
def test_ac_l09_forwarded_for_is_not_believed(client: FlaskClient) -> None:
    ip = f"fd00:{new_id()[:4]}:{new_id()[:4]}:{new_id()[:4]}::1"
    answers = [_from(client, ip, **{"X-Forwarded-For": f"198.51.100.{n}"}) for n in range(21)]
    assert answers == [303] * 20 + [429]


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("unknown", "unknown"),
    ],
)
def test_network_of(ip: str, network: str) -> None:
    assert network_of(ip) == network


def test_limit_key() -> None:
    assert limit_key("ta.ro+shop@example.jp") == "taro@example.jp"


EVIL = [
    "https://evil.example",
    "//evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/%09/evil.example",
    "/\t/evil.example",
    "\t//evil.example",
    "https:evil.example",
    "http:///evil.example",
    "javascript:alert(1)",
    "/.//evil.example",
    "//@evil.example",
    "%2f%2fevil.example",
    "/history\r\nLocation: https://evil.example",
    "static",
    "health.metrics",
    "login.logout",
]


@pytest.mark.parametrize("evil", EVIL)
def test_ac_l16_every_vector_lands_on_the_default_page(
    client: FlaskClient, portal: Portal, email: str, evil: str
) -> None:
    """Whatever stands in `next` but the name of a page of the list, the login leads to the default page."""
    ask(client, email, next=evil, order=evil)
    assert requests_of(portal, email)[0].next_endpoint is None
    answer = post(client, f"/login/{mailed(portal, email).token}")
    assert answer.location == "/history"
    # Asking while logged in leads on at once, by the same list.
    assert client.get("/login", query_string={"next": evil, "order": evil}).location == "/history"


@pytest.mark.parametrize("evil", EVIL[:4])
def test_ac_l16_an_order_page_takes_only_an_order_id(
    client: FlaskClient, portal: Portal, email: str, evil: str
) -> None:
    """The page of an order is reached with the id of an order and nothing else."""
    ask(client, email, next="orders.show", order=evil)
    assert post(client, f"/login/{mailed(portal, email).token}").location == "/history"


def test_ac_l16_listed_pages_are_reached(client: FlaskClient, portal: Portal, email: str) -> None:
    """A login that was asked for on the way to an order leads on to it."""
    order = new_id()
    page = client.get("/login", query_string={"next": "orders.show", "order": order}).text
    assert f'value="{order}"' in page
    ask(client, email, next="orders.show", order=order)
    assert post(client, f"/login/{mailed(portal, email).token}").location == f"/orders/{order}"


REFUSED = [
    "mi\u212ae@example.jp",
    "\u0131@example.jp",
    "\u0130@example.jp",
    "\uff41@example.jp",
    "e\u0301@example.jp",
    "a@b.com\r\nBcc: victim@example.jp",
    "a@b.com\u200b",
    "a b@example.jp",
    "a@example.jp,b@example.jp",
    "a@example.jp;b@example.jp",
    '"a"@example.jp',
    "a@",
    "@example.jp",
    "",
    f"a@{'b' * 63}.{'c' * 63}.{'d' * 63}.{'e' * 63}.jp",
]


@pytest.mark.parametrize("typed", REFUSED)
def test_ac_l17_addresses_that_are_refused(client: FlaskClient, portal: Portal, typed: str) -> None:
    """Look-alike letters, white space, lists, quotes, line breaks and what is too long are no address."""
    before = _count(portal)
    answer = client.post("/login", data={"email": typed, "csrf_token": csrf_of(client.get("/login").text)})
    assert answer.status_code == 422
    assert "login=" not in str(answer.headers.getlist("Set-Cookie"))
    assert _count(portal) == before


def test_ac_l17_a_look_alike_domain_is_another_address(client: FlaskClient, portal: Portal) -> None:
    """A domain with a Cyrillic letter is its punycode, another address; the mail goes to that stored form."""
    name = f"admin-{new_id()[:8]}"
    ask(client, f"{name}@ex\u0430mple.com")
    assert requests_of(portal, f"{name}@example.com") == []
    assert requests_of(portal, f"{name}@xn--exmple-4nf.com")[0].email == f"{name}@xn--exmple-4nf.com"
    assert mails_to(portal, f"{name}@xn--exmple-4nf.com") == 1


def test_ac_l18_upper_and_lower_case_are_one_account(four_processes: str, portal: Portal, email: str) -> None:
    """Two first logins at once, typed in capitals and in small letters, are two sessions of one address."""
    order = make_order(portal, email=email)
    browsers = [Browser(four_processes), Browser(four_processes)]
    with ThreadPoolExecutor(2) as pool:
        both = zip(browsers, (email, email.upper()), strict=True)
        answers = list(pool.map(lambda one: one[0].post("/login", email=one[1])[0], both))
    assert answers == [303, 303]
    first, second = requests_of(portal, email)
    assert {first.email, second.email} == {email}
    # Both codes at once: the first success ends the other, which then asks anew.
    with ThreadPoolExecutor(2) as pool:
        codes = [code_of(portal.signer, "login", row.id, row.code_hash) or "" for row in (first, second)]
        tries = [(browser, code) for browser in browsers for code in codes]
        answers = list(pool.map(lambda one: one[0].post("/login/code", code=one[1])[0], tries))
    assert answers.count(303) == 1
    assert {row.email for row in sessions_of(portal, email)} == {email}
    assert sum(order.id in browser.get("/history")[1] for browser in browsers) == 1


def test_ac_l22_a_hundred_asks_are_six_mails(four_processes: str, portal: Portal, email: str) -> None:
    """A hundred asks for one address, over four real processes, are six mails."""
    browsers = [Browser(four_processes) for _ in range(20)]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda n: browsers[n % 20].post("/login", email=email)[0], range(100)))
    assert set(answers) == {303}
    assert len(requests_of(portal, email)) == 100
    assert mails_to(portal, email) == 6
    assert sessions_of(portal, email) == []


def _count(portal: Portal) -> int:
    with portal.database.transaction() as session:
        return session.scalar(select(func.count()).select_from(LoginRequest)) or 0
