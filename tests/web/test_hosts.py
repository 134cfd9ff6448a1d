"""Over a raw socket to the real server: whose name the portal answers to, what it refuses (AC-H05, H08, H10)."""

import re
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.models import Mail
from app.portal import Portal
from tests.checkout.shop import go_to_stripe, order_of
from tests.helpers import ROOT, Sandbox, wait_for
from tests.login.steps import ask as ask_for_mail
from tests.web.raw import ask

BAD_HOSTS = [
    "evil.example",
    "evil.example:{port}",
    "{host}@evil.example",
    "{host}:{port}@evil.example",
    "evil.example#{host}",
    "{host}.evil.example",
    "evil{host}",
    "{host}:99999",
    "{host}:{port}:81",
    "{host}/evil.example",
    "{host} evil.example",
    "{host},evil.example",
    "localhost",
    "[::1]",
    "",
]


@pytest.mark.parametrize("host", BAD_HOSTS)
def test_ac_h05_an_unknown_host_is_refused(live: str, host: str) -> None:
    """Any Host that is not PUBLIC_URL's gets a bare 400 from the real server, with nothing of it in the answer."""
    ours = urlsplit(live)
    for _ in range(4):  # whichever process answers
        answer = ask(live, "GET /login HTTP/1.1", f"Host: {host.format(host=ours.hostname, port=ours.port)}")
        assert answer.status == 400
        assert b"evil" not in answer.body
        assert "evil" not in str(answer.headers)
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_ac_h05_two_hosts_and_none_are_refused(live: str) -> None:
    """Two Host headers, in either order, and none at all, are refused."""
    ours = urlsplit(live).netloc
    assert ask(live, "GET / HTTP/1.1", f"Host: {ours}", "Host: evil.example").status == 400
    assert ask(live, "GET / HTTP/1.1", "Host: evil.example", f"Host: {ours}").status == 400
    assert ask(live, "GET / HTTP/1.1").status == 400
    assert ask(live, "GET / HTTP/1.0").status == 400


@pytest.mark.parametrize(
    "headers",
    [
        ("X-Forwarded-Host: evil.example", "X-Forwarded-Proto: https", "X-Forwarded-Port: 444"),
        ("Forwarded: for=192.0.2.1;host=evil.example;proto=https",),
        ("X-Original-Host: evil.example", "X-Host: evil.example", "X-Forwarded-Server: evil.example"),
        ("X-Forwarded-Prefix: //evil.example", "X-Original-URL: /staff", "X-Rewrite-URL: /staff"),
    ],
)
def test_ac_h05_other_words_for_the_host_change_nothing(live: str, headers: tuple[str, ...]) -> None:
    """X-Forwarded-Host, Forwarded and the like leave page and redirects as they are."""
    host = f"Host: {urlsplit(live).netloc}"
    page = ask(live, "GET / HTTP/1.1", host, *headers)
    assert page.status == 200
    assert b"evil" not in page.body
    moved = ask(live, "GET /history HTTP/1.1", host, *headers)
    assert moved.status == 302
    assert moved.headers["location"].startswith("/login?")
    assert "evil" not in str(moved.headers)


def test_ac_h05_an_absolute_address_and_another_port_are_never_echoed(live: str) -> None:
    """The absolute form of a request line, and a Host with another port, reach nothing that is written."""
    ours = urlsplit(live)
    for first, host in (
        ("GET http://evil.example/history HTTP/1.1", ours.netloc),
        ("GET http://evil.example/nowhere HTTP/1.1", ours.netloc),
        ("GET /history HTTP/1.1", f"{ours.hostname}:4444"),
        ("GET //evil.example/history HTTP/1.1", ours.netloc),
        ("GET /orders/ HTTP/1.1", f"{ours.hostname}:4444"),
        ("GET /history/ HTTP/1.1", f"{ours.hostname}:4444"),
    ):
        answer = ask(live, first, f"Host: {host}")
        assert answer.status in {302, 400, 404}, first
        for echoed in (b"evil", b"4444"):
            assert echoed not in answer.body
            assert echoed not in str(answer.headers).encode()


def test_ac_h05_mails_and_stripe_addresses_come_from_public_url(
    portal: Portal, client: FlaskClient, sandbox: Sandbox, worker: None, email: str
) -> None:
    """With forwarded hosts on every request, a login mail and a Checkout Session still name PUBLIC_URL only."""
    public = portal.settings.public_url
    client.environ_base.update(
        HTTP_X_FORWARDED_HOST="evil.example", HTTP_FORWARDED="host=evil.example", HTTP_X_FORWARDED_PROTO="https"
    )
    ask_for_mail(client, email)
    mail = wait_for(lambda: sandbox.mails(email), 30, "the login mail")[0]
    links = re.findall(r"https?://[^\s\"'<>]+", str(mail))
    assert links
    assert all(link.startswith(public) for link in links if "/login" in link)
    assert "evil" not in str(mail)
    session = portal.stripe.retrieve_session(go_to_stripe(client, order_of(portal, client)))
    assert session["success_url"].startswith(f"{public}/orders/")
    assert session["cancel_url"].startswith(f"{public}/orders/")
    with portal.database.transaction() as database:
        assert not [m for m in database.scalars(select(Mail)) if "evil" in str(m.params)]


def test_ac_h05_no_code_builds_an_address_from_the_request() -> None:
    """`_external=True` and the request's own host are used nowhere in app/ and templates/."""
    banned = re.compile(r"_external|request\.(host|url|url_root|base_url|root_url|host_url)\b|HTTP_HOST|get_host\(")
    for path in [*(ROOT / "app").rglob("*.py"), *(ROOT / "templates").rglob("*")]:
        if path.is_file():
            assert not banned.search(path.read_text(encoding="utf-8")), path


def test_ac_h08_lengths_over_the_real_server(live: str) -> None:
    """Too long an address or too many headers end in a 4xx at once; long ones that fit never break a page."""
    host = f"Host: {urlsplit(live).netloc}"
    assert ask(live, f"GET /{'a' * 70_000} HTTP/1.1", host).status == 414
    assert ask(live, "GET / HTTP/1.1", host, f"X-Long: {'a' * 900_000}").status == 431
    assert ask(live, "GET / HTTP/1.1", host, *(f"X-{n}: 1" for n in range(300))).status == 431
    assert ask(live, f"GET /{'a' * 30_000} HTTP/1.1", host).status == 404
    assert ask(live, f"GET /?product={'a' * 30_000} HTTP/1.1", host).status == 404
    for cookie in ("a" * 20_000, "session=\xff\xfe", "portal=.eJx;;;=", "claim=" + "%00" * 50):
        assert ask(live, "GET /login HTTP/1.1", host, f"Cookie: {cookie}").status == 200


@pytest.mark.parametrize("extra", [(), ("Content-Type: application/x-www-form-urlencoded",)])
def test_ac_h08_bodies_over_the_real_server(live: str, extra: tuple[str, ...]) -> None:
    """A body over 64 KiB is refused, and any in chunks, which no browser sends; raw routes want the length."""
    host = f"Host: {urlsplit(live).netloc}"
    big = b"a" * 70_000
    form = "Content-Type: application/x-www-form-urlencoded"
    told = ask(live, "POST /login HTTP/1.1", host, form, f"Content-Length: {len(big)}", body=big)
    assert told.status == 413
    chunks = b"".join(b"1000\r\n" + b"a" * 0x1000 + b"\r\n" for _ in range(20)) + b"0\r\n\r\n"
    hidden = ask(live, "POST /login HTTP/1.1", host, form, "Transfer-Encoding: chunked", body=chunks)
    assert hidden.status == 411
    for path in ("/csp-reports", "/orders/0/sign", "/webhooks/stripe"):
        raw = ask(
            live, f"POST {path} HTTP/1.1", host, *extra, "Transfer-Encoding: chunked", body=b"2\r\n{}\r\n0\r\n\r\n"
        )
        assert raw.status == 411, path
        assert raw.headers["x-content-type-options"] == "nosniff"


def test_ac_h10_odd_methods_are_refused(live: str, app: Flask) -> None:
    """TRACE, PUT, DELETE and invented methods get 405 on every address, and echo nothing."""
    host = f"Host: {urlsplit(live).netloc}"
    for path in ("/", "/static/dist/app.css", "/login", "/nowhere", "/webhooks/stripe", "/healthz"):
        for method in ("TRACE", "TRACK", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "DEBUG"):
            answer = ask(live, f"{method} {path} HTTP/1.1", host, "X-Canary: canary")
            assert answer.status == 405, (method, path)
            assert b"canary" not in answer.body
            assert "access-control-allow-origin" not in answer.headers


def test_ac_h10_nothing_lies_about(live: str) -> None:
    """No source map, no repository, no settings, no backup, no listing, nothing above the folder of static files."""
    host = f"Host: {urlsplit(live).netloc}"
    listed = ("/static/", "/static/dist/", "/static/src/", "/.git/config", "/.env", "/.env.example", "/catalog.toml")
    built = [f"/static/dist/{path.name}.map" for path in (ROOT / "static/dist").iterdir()]
    climbing = (
        "/static/../.env.example",
        "/static/%2e%2e/pyproject.toml",
        "/static/dist/..%2f..%2f..%2fpyproject.toml",
    )
    odd = (
        "/static/dist/app.js~",
        "/static/dist/app.js.bak",
        "/console",
        "/static/.env",
        "/server-status",
        "/static//etc",
    )
    for path in (*listed, *built, *climbing, *odd):
        assert ask(live, f"GET {path} HTTP/1.1", host).status in {400, 404}, path
    assert not [*(ROOT / "static").rglob("*.map")]
    for file in (ROOT / "static/dist").iterdir():
        assert b"sourceMappingURL" not in file.read_bytes(), file
    css = ask(live, "GET /static/dist/app.css HTTP/1.1", host)
    assert css.status == 200
    for name in ("app.py", "__init__.py", "wsgi.py"):
        assert ask(live, f"GET /{name} HTTP/1.1", host).status == 404
