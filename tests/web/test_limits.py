"""Limits on one address of the network, counted by real processes; the other tests all come from 127.0.0.1."""

import re
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.cookiejar import CookieJar
from pathlib import Path

import pytest
from flask import Flask

from app.kit.networks import network_of
from app.web.limits import LIMITS, OTHER_FORMS, UNLIMITED, limit_of
from tests.helpers import answers, free_port, process, python, wait_for
from tests.login.steps import Browser

Start = Callable[..., str]


@contextmanager
def serving(environment: dict[str, str], log: Path, workers: int = 2) -> Iterator[str]:
    """Run granian with several web processes; give its address."""
    port = int(urllib.parse.urlsplit(environment["PUBLIC_URL"]).port or 0)
    serve = ["-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    options = ["--workers", str(workers), "--blocking-threads", "4", "--http", "1", "--no-ws", "wsgi:app"]
    with process(*python(*serve, *options), environment=environment, log=log) as child:

        def up() -> bool:
            assert child.poll() is None, log.read_text()
            return answers(f"http://127.0.0.1:{port}/healthz")

        wait_for(up, 60, "the web server")
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def start(environment: dict[str, str], own_database: str, tmp_path: Path) -> Iterator[Start]:
    """Give a way to start a portal that counts, on a database of its own."""
    with ExitStack() as stack:

        def begin(**changes: str) -> str:
            port = free_port()
            settings = {
                **environment,
                "PORTAL_ENV": "demo",
                "DATABASE_URL": own_database,
                "PUBLIC_URL": f"http://127.0.0.1:{port}",
                "RATE_LIMIT_STORE": "database://",
                "WEB_WORKERS": "2",
                **changes,
            }
            return stack.enter_context(serving(settings, tmp_path / "web.log"))

        yield begin


class Visitor(Browser):
    """A browser that may claim, through a header, to come from elsewhere."""

    claims: str = ""

    def _send(self, request: urllib.request.Request):  # type: ignore[no-untyped-def]  # noqa: ANN202
        if self.claims:
            request.add_header("X-Forwarded-For", self.claims)
        return super()._send(request)


def order(base: str, email: str, claims: str = "") -> tuple[int, int]:
    """Order as a browser of its own would; give status and seconds to wait."""
    visitor = Visitor(base, CookieJar())
    visitor.claims = claims
    status, _page, headers = visitor.post("/orders", product="csv-profile", email=email, locale="ja")
    return status, int(headers["Retry-After"] or 0)


def test_ac_h07_two_processes_share_one_count(start: Start, email: str) -> None:
    """Two web processes on one database let six orders a minute through together, however they are shared out."""
    base = start()
    with ThreadPoolExecutor(4) as pool:
        seen = list(pool.map(lambda _: order(base, email), range(12)))
    codes = Counter(status for status, _ in seen)
    assert codes == {303: 6, 429: 6}  # the minute begins with the first
    assert all(1 <= wait <= 61 for status, wait in seen if status == 429)
    refused = Browser(base).post("/orders", product="csv-profile", email=email, locale="ja")
    assert refused[0] == 429
    assert "アクセスが多すぎます" in refused[1]
    assert Browser(base).get("/")[0] == 200


def test_ac_h06_a_spoofed_address_counts_for_nothing(start: Start, email: str) -> None:
    """Without a proxy of ours, X-Forwarded-For changes nothing; behind one, only what that proxy wrote counts."""
    base = start()
    for n in range(14):
        last = order(base, email, f"192.0.2.{n}")
    assert last[0] == 429


def test_ac_h06_behind_a_proxy_its_word_counts_without_the_port(start: Start, email: str) -> None:
    """The last entry is the visitor, whatever port it came from and whatever stands to the left of it."""
    base = start(TRUSTED_PROXIES="1")
    one = [order(base, email, f"203.0.113.{n}, 198.51.100.7:{40000 + n}")[0] for n in range(14)]
    assert 303 in one
    assert one[-1] == 429
    assert order(base, email, "198.51.100.7, 198.51.100.8:50000")[0] == 303


def test_ac_l08_two_processes_share_the_count_of_login_mails(start: Start) -> None:
    """Twenty asks an hour for one network address, however many processes answer; the code's page stays open."""
    base = start()

    def ask(n: int) -> int:
        return Browser(base).post("/login", email=f"someone{n}@example.jp")[0]

    with ThreadPoolExecutor(4) as pool:
        codes = Counter(pool.map(ask, range(24)))
    assert codes == {303: 20, 429: 4}
    assert Browser(base).post("/login/code", code="AAAA-AAAA")[0] == 422


def test_ac_l09_a_spoofed_address_gets_no_more_login_mails(start: Start) -> None:
    """X-Forwarded-For on direct requests does not raise the limit on login mails."""
    base = start()
    codes = []
    for n in range(22):
        visitor = Visitor(base, CookieJar())
        visitor.claims = f"2001:db8:{n}::1"
        codes.append(visitor.post("/login", email=f"other{n}@example.jp")[0])
    assert codes == [303] * 20 + [429] * 2


def test_ac_h07_every_form_has_a_limit_or_a_reason(app: Flask) -> None:
    """Each POST route of the URL map is limited, or named with the reason why not; the webhook never is."""
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules() if "POST" in (rule.methods or set())}
    for endpoint in endpoints:
        assert (limit_of(endpoint, "POST") is None) == (endpoint in UNLIMITED), endpoint
    assert set(UNLIMITED) <= endpoints
    assert limit_of("account.anything_new", "POST") is OTHER_FORMS
    assert limit_of("webhooks.stripe", "POST") is None
    rooms = {endpoint.partition(".")[0] for endpoint in app.view_functions}
    assert {key for key in LIMITS if key not in app.view_functions} <= rooms
    assert {room for room in rooms if room.startswith("staff")} <= set(LIMITS)
    for endpoint, method in (("orders.status", "GET"), ("checkout.pay", "POST"), ("staff_login.code", "POST")):
        assert limit_of(endpoint, method) is not None


@pytest.mark.parametrize("ip", ["192.0.2.1:80", "spoof", "", "::ffff:192.0.2.1"])
def test_what_is_no_plain_address_is_not_a_network_of_its_own(ip: str) -> None:
    assert re.fullmatch(r"unknown|192\.0\.2\.1", network_of(ip))
