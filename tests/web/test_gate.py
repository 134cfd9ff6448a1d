"""Forms of other sites (AC-L21), https behind a proxy, raw bodies (AC-H08)."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from app.portal import EXTENSION
from app.settings import Settings
from app.web import reports
from app.web.gate import RAW_BODIES, WEBHOOK
from tests.conftest import Browser
from tests.helpers import make_order
from tests.login.steps import csrf_of, mailed, requests_of
from tests.web.conftest import Logged
from tests.web.test_pages import address, rules

Make = Callable[..., Flask]

FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"},
    {"Origin": "{ours}.evil.example"},
    {"Origin": "{ours}1"},
    {"Origin": "https{ours}"},
    {"Sec-Fetch-Site": "invented"},
]
OURS = [
    {"Sec-Fetch-Site": "same-origin", "Origin": "{ours}"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "null"},  # from a page whose address is secret
    {"Sec-Fetch-Site": "none"},
    {"Origin": "{ours}"},
    {},
]


def as_sent(headers: dict[str, str], settings: Settings) -> dict[str, str]:
    return {name: value.replace("{ours}", settings.public_url) for name, value in headers.items()}


@pytest.fixture
def make(settings: Settings) -> Iterator[Make]:
    """Give portals with other settings."""
    made: list[Flask] = []

    def build(**changes: Any) -> Flask:
        app = create_app(settings.model_copy(update=changes))
        app.config["PROPAGATE_EXCEPTIONS"] = False
        made.append(app)
        return app

    yield build
    for app in made:
        app.extensions[EXTENSION].database.close()


@pytest.mark.parametrize("headers", FOREIGN)
def test_ac_l21_a_form_of_another_site_is_refused_everywhere(
    app: Flask, client: FlaskClient, settings: Settings, headers: dict[str, str]
) -> None:
    """Every route that takes a POST, but the webhook, answers 403 to another site's form, without any cookie too."""
    for rule in rules(app, "POST"):
        if rule.endpoint == WEBHOOK:
            continue
        answer = client.post(address(rule), data={"email": "a@b.jp"}, headers=as_sent(headers, settings))
        assert answer.status_code == 403, rule
        assert "Set-Cookie" not in answer.headers or rule.endpoint == "login.ask"
        assert answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("headers", FOREIGN)
def test_ac_l21_no_mail_goes_out_for_it_even_with_a_good_token(
    client: FlaskClient, settings: Settings, portal: Any, email: str, headers: dict[str, str]
) -> None:
    """A foreign POST to the login form sends nothing, though its CSRF token is right."""
    token = csrf_of(client.get("/login").text)
    answer = client.post("/login", data={"csrf_token": token, "email": email}, headers=as_sent(headers, settings))
    assert answer.status_code == 403
    assert "ほかのサイト" in answer.text or "another site" in answer.text
    assert requests_of(portal, email) == []
    as_json = client.post("/login", headers={**as_sent(headers, settings), "Accept": "application/json"})
    assert as_json.get_json()["error"]["code"] == "foreign_site"


@pytest.mark.parametrize("headers", OURS)
def test_ac_l21_our_own_forms_pass(
    client: FlaskClient, settings: Settings, portal: Any, email: str, headers: dict[str, str]
) -> None:
    """What our own pages send, and what sends neither header but the form's token, is taken."""
    token = csrf_of(client.get("/login").text)
    answer = client.post("/login", data={"csrf_token": token, "email": email}, headers=as_sent(headers, settings))
    assert answer.status_code == 303
    assert len(requests_of(portal, email)) == 1


def test_ac_l21_the_webhook_is_left_to_its_signature(client: FlaskClient) -> None:
    """Stripe's servers send no Origin; whatever comes there is judged by its signature alone."""
    answer = client.post("/webhooks/stripe", data=b"{}", headers={"Origin": "https://evil.example"})
    assert (answer.status_code, answer.text) == (400, "bad_signature\n")


def test_ac_l11_a_secret_page_posts_without_referrer_over_https(make: Make, email: str) -> None:
    """The login link works over https: its page sends no Referer and "null" as its Origin, and that is enough."""
    app = make(public_url="https://portal.kaiseki.co.jp")
    client = Browser(app, app.response_class)
    here = {"base_url": "https://portal.kaiseki.co.jp", "headers": {"Sec-Fetch-Site": "same-origin", "Origin": "null"}}
    page = client.get("/login", base_url=here["base_url"])
    asked = client.post("/login", data={"csrf_token": csrf_of(page.text), "email": email}, **here)
    assert asked.status_code == 303, asked.text
    with app.app_context():
        token = mailed(app.extensions[EXTENSION], email).token
    page = client.get(f"/login/{token}", base_url=here["base_url"])
    assert page.headers["Referrer-Policy"] == "no-referrer"
    done = client.post(f"/login/{token}", data={"csrf_token": csrf_of(page.text)}, **here)
    assert done.status_code == 303, done.text
    assert done.headers["Strict-Transport-Security"].startswith("max-age=63072000")


GARBAGE = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"text"',
    b"\xff\xfe\x00",
    b"[" * 4000,
    b'{"a":' * 800,
    b'{"kind":' + b"9" * 3000 + b"}",
    b'{"kind": 1e999}',
    b'{"a": "\\ud800"}',
    b'[{"body": []}, 1, null, {"csp-report": "x"}]',
    b'{"csp-report": {"effective-directive": {}, "blocked-uri": "http://[::"}}',
]


@pytest.mark.parametrize("body", GARBAGE)
def test_ac_h08_json_garbage_is_a_clear_no(
    client: FlaskClient, portal: Any, body: bytes, make_claim: Callable[[FlaskClient], str]
) -> None:
    """Deep, cut or senseless JSON on every raw route ends in a 4xx (or is counted as an odd report), never in a 500."""
    order_id = make_claim(client)
    token = csrf_of(client.get("/login").text)
    for path in (f"/orders/{order_id}/sign", "/csp-reports", "/webhooks/stripe"):
        headers = {"X-CSRFToken": token, "Content-Type": "application/json"}
        answer = client.post(path, data=body, headers=headers)
        assert answer.status_code < 500, (path, answer.text)
        if path != "/csp-reports":
            assert answer.status_code in {400, 411, 422}, (path, answer.text)


@pytest.fixture
def make_claim(portal: Any) -> Callable[[FlaskClient], str]:
    """Give a way to make an order of a browser that waits for its file."""
    from app.kit.ids import digest, new_secret  # noqa: PLC0415  (beside what it is for)

    def make(client: FlaskClient) -> str:
        claim = new_secret()
        client.set_cookie("claim", claim, domain="127.0.0.1")
        return make_order(portal, claim_hash=digest(claim), state="waiting").id

    return make


def test_ac_h08_raw_routes_are_bounded(app: Flask, client: FlaskClient) -> None:
    """Each raw route has its own bound below the 64 KiB of forms; one byte more is 413, no length is 411."""
    assert all(most < app.config["MAX_CONTENT_LENGTH"] == 64 * 1024 for most in RAW_BODIES.values())
    for rule in rules(app, "POST"):
        most = RAW_BODIES.get(rule.endpoint)
        if most is not None:
            assert client.post(address(rule), data=b" " * (most + 1)).status_code == 413
            chunked = client.post(address(rule), data=b"{}", headers={"Transfer-Encoding": "chunked"})
            assert chunked.status_code == 411
    assert client.post("/login", data={"email": "a" * 70_000}).status_code == 413
    many = "&".join(f"f{n}=1" for n in range(9000))
    assert client.post("/login", data=many, content_type="application/x-www-form-urlencoded").status_code in {400, 413}
    parts = {f"f{n}": "1" for n in range(60)}
    assert client.post("/login", data=parts, content_type="multipart/form-data").status_code == 413


def test_ac_h01_reports_are_counted_and_hold_no_address(client: FlaskClient, logged: Logged) -> None:
    """Reports of both kinds are counted by directive; logs are few and never name the page: it may be secret."""
    old = {
        "csp-report": {
            "document-uri": "http://127.0.0.1/login/canary-token",
            "effective-directive": "script-src-elem",
            "blocked-uri": "https://evil.example/canary-path?canary",
        }
    }
    new = [
        {
            "type": "csp-violation",
            "body": {"effectiveDirective": "img-src", "blockedURL": "inline"},
            "url": "http://canary",
        }
    ] * 50

    def count(directive: str) -> float:
        found = re.search(rf'portal_csp_reports_total{{directive="{directive}"}} (\S+)', client.get("/metrics").text)
        return float(found[1]) if found else 0.0

    reports._logged.storage.reset()  # noqa: SLF001  (ten a minute of this process)
    before = count("script-src"), count("img-src"), count("other")
    browser = {"Sec-Fetch-Site": "same-origin"}
    for content, report in (("application/csp-report", old), ("application/reports+json", new)):
        answer = client.post("/csp-reports", data=json.dumps(report), content_type=content, headers=browser)
        assert answer.status_code == 204
    client.post("/csp-reports", data=json.dumps({"csp-report": {"effective-directive": "canary\r\n"}}), headers=browser)
    assert (count("script-src"), count("img-src"), count("other")) == (before[0] + 1, before[1] + 20, before[2] + 1)
    told = logged()
    assert "canary" not in told
    assert "https://evil.example" in told
    assert told.count("csp.blocked") <= 10
    assert "canary" not in client.get("/metrics").text
