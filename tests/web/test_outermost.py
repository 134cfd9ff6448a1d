"""The strict headers are on every answer, whatever breaks and wherever (AC-H01, H02, H03, H12)."""

import os
import re
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from app import create_app
from app.errors import TooManyError
from app.portal import EXTENSION
from app.settings import Settings
from tests.conftest import Browser
from tests.helpers import ROOT
from tests.web.conftest import Logged
from tests.web.raw import ask
from tests.web.test_pages import address, rules

HTTPS = "https://portal.kaiseki.co.jp"
STRICT = {
    "Server": "portal",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
}
DIRECTIVES = {
    "default-src": "'none'",
    "style-src": "'self'",
    "font-src": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
    "object-src": "'none'",
    "report-uri": "/csp-reports",
    "report-to": "csp",
}


def assert_strict(answer: TestResponse, *, https: bool = False) -> None:
    """See that an answer has every header once, with the right value."""
    for name, value in STRICT.items():
        assert answer.headers.getlist(name) == [value], name
    (policy,) = answer.headers.getlist("Content-Security-Policy")
    told = dict(part.split(" ", 1) for part in policy.split("; "))
    assert told | DIRECTIVES == told
    assert re.fullmatch(r"'nonce-[\w-]{22,}' 'strict-dynamic'", told["script-src"])
    assert "unsafe" not in policy
    assert "*" not in policy
    assert answer.headers["Reporting-Endpoints"].endswith('/csp-reports"')
    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["X-Request-Id"])
    assert answer.headers["Referrer-Policy"] in {"no-referrer", "strict-origin-when-cross-origin"}
    assert ("Strict-Transport-Security" in answer.headers) == https
    if "public" not in answer.headers["Cache-Control"]:
        assert "Cookie" in answer.headers["Vary"]
        assert answer.headers["Cache-Control"] in {"no-store", "no-cache"}
    else:
        assert "Set-Cookie" not in answer.headers


def break_it(kind: str) -> NoReturn:
    """Fail in the way named."""
    if kind == "database":
        raise OperationalError("SELECT canary", {}, Exception("canary"))
    if kind == "too_many":
        raise TooManyError(7)
    raise RuntimeError("canary: /srv/portal/secret.py")


@pytest.fixture
def broken(settings: Settings) -> Iterator[Flask]:
    """Give a portal over https with doors behind which something fails."""
    app = create_app(settings.model_copy(update={"public_url": HTTPS}))
    app.add_url_rule("/broken/view/<kind>", "broken.view", break_it)
    app.add_url_rule("/broken/template", "broken.template", lambda: broken_template(app))

    @app.before_request
    def before() -> None:
        from flask import request  # noqa: PLC0415  (of this door only)

        if request.headers.get("X-Break") == "before":
            break_it("view")

    @app.after_request
    def after(response: Any) -> Any:
        from flask import request  # noqa: PLC0415

        if request.headers.get("X-Break") == "after":
            break_it("view")
        return response

    yield app
    app.extensions[EXTENSION].database.close()


def broken_template(app: Flask) -> str:
    return app.jinja_env.from_string("{{ 1 / 0 }}").render()


def browser(app: Flask) -> FlaskClient:
    return Browser(app, app.response_class)


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/broken/view/any", {}, 500),
        ("/broken/view/database", {}, 503),
        ("/broken/view/too_many", {}, 429),
        ("/broken/template", {}, 500),
        ("/", {"X-Break": "before"}, 500),
        ("/", {"X-Break": "after"}, 500),
        ("/nowhere", {"X-Break": "after"}, 500),
        ("/static/dist/nowhere.css", {}, 404),
        ("/nowhere", {}, 404),
    ],
)
def test_ac_h02_whatever_breaks_the_answer_is_strict(
    broken: Flask, path: str, headers: dict[str, str], status: int
) -> None:
    """Failures in view, template, before and after the request answer with all headers and without a trace."""
    answer = browser(broken).get(path, headers=headers, base_url=HTTPS)
    assert answer.status_code == status
    assert_strict(answer, https=True)
    for leak in ("canary", "Traceback", "secret.py", "ZeroDivision", "werkzeug", "Flask", "granian", "SELECT"):
        assert leak not in answer.text, leak
        assert leak.lower() not in str(answer.headers).lower().replace("flask-", ""), leak
    assert answer.headers["X-Request-Id"] in answer.text
    assert re.search(r"[ぁ-ん]", answer.text)
    assert "Retry-After" in answer.headers or status != 429


def test_ac_h02_the_last_resort_answers_when_the_error_page_fails_too(
    broken: Flask, monkeypatch: pytest.MonkeyPatch, logged: Logged
) -> None:
    """With an error page that can't be rendered, with no URL map, and outside Flask, there is still a strict 500."""
    broken.jinja_env.globals["asset"] = break_it
    seen = [browser(broken).get("/nowhere", base_url=HTTPS), browser(broken).get("/", base_url=HTTPS)]
    monkeypatch.setattr(broken, "create_url_adapter", break_it)
    seen.append(browser(broken).get("/login", base_url=HTTPS))
    monkeypatch.setattr(broken, "request_context", break_it)
    seen.append(browser(broken).get("/login", base_url=HTTPS))
    told = logged()
    for answer in seen:
        assert answer.status_code == 500
        assert_strict(answer, https=True)
        assert "うまくいきませんでした" in answer.text
        assert "Something went wrong" in answer.text
        assert "canary" not in answer.text
        assert answer.headers["X-Request-Id"] in answer.text
        assert answer.headers["X-Request-Id"] in told
    assert "error.last_resort" in told


def etag_of(client: FlaskClient, path: str) -> str:
    with client.get(path) as answer:
        return answer.headers["ETag"]


PROVOKED: list[tuple[int, Callable[[FlaskClient], TestResponse]]] = [
    (200, lambda c: c.get("/")),
    (200, lambda c: c.get("/healthz")),
    (200, lambda c: c.get("/metrics")),
    (200, lambda c: c.get("/static/dist/app.css")),
    (206, lambda c: c.get("/static/dist/app.css", headers={"Range": "bytes=0-5"})),
    (302, lambda c: c.get("/history")),
    (304, lambda c: c.get("/static/dist/app.css", headers={"If-None-Match": etag_of(c, "/static/dist/app.css")})),
    (400, lambda c: c.post("/login")),
    (400, lambda c: c.get("/", headers={"Host": "evil.example"})),
    (400, lambda c: c.post("/webhooks/stripe", data=b"{}")),
    (403, lambda c: c.post("/login", headers={"Origin": "https://evil.example"})),
    (404, lambda c: c.get("/nowhere")),
    (404, lambda c: c.get("/staff/orders")),
    (405, lambda c: c.get("/logout")),
    (405, lambda c: c.open("/", method="TRACE")),
    (411, lambda c: c.post("/webhooks/stripe", data=b"{}", headers={"Transfer-Encoding": "chunked"})),
    (413, lambda c: c.post("/login", data={"email": "a" * 70_000})),
    (413, lambda c: c.post("/webhooks/stripe", data=b" " * 300_000)),
    (416, lambda c: c.get("/static/dist/app.css", headers={"Range": "bytes=99999999-"})),
]


@pytest.mark.parametrize(("status", "provoke"), PROVOKED)
@pytest.mark.parametrize("url", ["http://127.0.0.1", HTTPS])
def test_ac_h02_every_status_is_strict(
    settings: Settings, sandbox: object, url: str, status: int, provoke: Callable[[FlaskClient], TestResponse]
) -> None:
    """Pages, redirects, static files, health and each refusal carry the same headers; over https HSTS as well."""
    app = create_app(settings.model_copy(update={"public_url": url}))
    client = browser(app)
    client.environ_base["wsgi.url_scheme"] = url.partition(":")[0]
    if url == HTTPS:
        client.environ_base["HTTP_HOST"] = "portal.kaiseki.co.jp"
    answer = provoke(client)
    assert answer.status_code == status, answer.text
    assert_strict(answer, https=url == HTTPS)
    answer.close()
    app.extensions[EXTENSION].database.close()


def test_ac_h02_every_route_is_strict(app: Flask, client: FlaskClient) -> None:
    """Each GET and each POST of the URL map, as nobody in particular, is answered strictly."""
    for method in ("GET", "POST"):
        for rule in rules(app, method):
            answer = client.open(address(rule), method=method)
            assert answer.status_code < 500, rule
            assert_strict(answer)
            answer.close()


def test_ac_h02_the_real_server_names_nobody(live: str) -> None:
    """Over the wire there is no product and no version, in good answers and in those that break before Flask."""
    host = "Host: " + live.removeprefix("http://")
    seen = [
        ask(live, first, host)
        for first in (
            "GET / HTTP/1.1",
            "GET /nowhere HTTP/1.1",
            "TRACE / HTTP/1.1",
            "GET /static/dist/app.css HTTP/1.1",
        )
    ]
    seen += [
        ask(live, "GET / HTTP/1.1", "Host: evil"),
        ask(live, "BROKEN"),
        ask(live, f"GET /{'a' * 70_000} HTTP/1.1", host),
    ]
    for answer in seen:
        assert answer.headers.get("server", "portal") == "portal"
        assert not re.search(
            r"granian|hyper|werkzeug|flask|python|\d+\.\d+\.\d+",
            str(answer.headers).replace("127.0.0.1", ""),
            re.IGNORECASE,
        )
        assert "x-powered-by" not in answer.headers


def test_ac_h02_a_request_does_not_carry_the_processs_environment(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """What granian copies from the process into each request, secrets included, is taken out again."""
    name = next(
        name for name in os.environ if name.isupper() and not name.startswith(("HTTP", "SERVER", "REMOTE", "PATH"))
    )
    seen: dict[str, Any] = {}
    inner = app.wsgi_app._inner  # type: ignore[attr-defined]  # noqa: SLF001  (what it wraps is what we look at)

    def look(environ: dict[str, Any], start: Any) -> Any:
        seen.update(environ)
        return inner(environ, start)

    monkeypatch.setattr(app.wsgi_app, "_inner", look)
    app.test_client().get("/", environ_base={name: os.environ[name], "REMOTE_ADDR": "127.0.0.1"})
    assert name not in seen
    assert seen["REMOTE_ADDR"] == "127.0.0.1"


def test_ac_h01_the_nonce_is_new_and_long(client: FlaskClient) -> None:
    """Each response has a nonce of its own of 128 bits, and its scripts carry it."""
    pages = [client.get("/") for _ in range(20)]
    nonces = [re.search(r"'nonce-([\w-]+)'", page.headers["Content-Security-Policy"])[1] for page in pages]  # type: ignore[index]
    assert len(set(nonces)) == 20
    assert all(len(nonce) >= 22 for nonce in nonces)
    for page, nonce in zip(pages, nonces, strict=True):
        scripts = re.findall(r"<script[^>]*>", page.text)
        assert scripts
        assert all(f'nonce="{nonce}"' in script for script in scripts)


def test_ac_h01_no_template_has_anything_inline() -> None:
    """No page's template has a handler, a style, a javascript: address, or a script without a nonce."""
    inline = re.compile(r"\sstyle\s*=|\son[a-z]+\s*=|javascript:|srcdoc|<style|<script(?![^>]*nonce)", re.IGNORECASE)
    for path in (ROOT / "templates").rglob("*.html"):
        if "mail" not in path.parts:  # mails have their styles inlined on purpose
            found = inline.search(path.read_text(encoding="utf-8"))
            assert not found, (path, found)


def test_ac_h03_cookies_are_locked(settings: Settings, sandbox: object) -> None:
    """Over https every cookie is __Host-, Secure, HttpOnly, Lax and of the whole site; static files set none."""
    app = create_app(settings.model_copy(update={"public_url": HTTPS}))
    client = browser(app)
    page = client.get("/login?lang=en", base_url=HTTPS)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert token
    form = {"csrf_token": token[1], "email": "a@kaiseki.example"}
    asked = client.post("/login", data=form, base_url=HTTPS)
    ordered = client.post("/orders", data={**form, "product": "csv-profile", "locale": "ja"}, base_url=HTTPS)
    cookies = [cookie for answer in (page, asked, ordered) for cookie in answer.headers.getlist("Set-Cookie")]
    assert {cookie.partition("=")[0] for cookie in cookies} >= {"__Host-portal", "__Host-login", "__Host-claim"}
    for cookie in cookies:
        attributes = {part.strip() for part in cookie.split(";")[1:]}
        assert cookie.startswith("__Host-")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= attributes
        assert not any(attribute.startswith("Domain") for attribute in attributes)
    assert "Cookie" in page.headers["Vary"]
    static = browser(app).get("/static/dist/app.css?lang=en", base_url=HTTPS)
    assert "Set-Cookie" not in static.headers
    assert "public" in static.headers["Cache-Control"]
    static.close()
    app.extensions[EXTENSION].database.close()
