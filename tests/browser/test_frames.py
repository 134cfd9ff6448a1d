"""No page of ours can be laid under another site's buttons (AC-H09), nor sent a form by it (AC-L21)."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from playwright.sync_api import Browser, Request

PAGES = ("/", "/login", "/login/code", f"/login/{'x' * 43}", "/legal/terms", "/nowhere", "/healthz")

pytestmark = pytest.mark.browser


@pytest.fixture
def attacker() -> Iterator[tuple[str, list[str]]]:
    """Serve another site's page, whose body a test writes; give its address and the body's place."""
    body = [""]

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body[0].encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    # Another host than the portal's 127.0.0.1, so another site.
    yield f"http://localhost:{server.server_port}/", body
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("element", ["iframe", "object", "embed"])
def test_ac_h09_no_page_can_be_framed(
    chromium: Browser, live: str, attacker: tuple[str, list[str]], element: str
) -> None:
    """Chromium shows no page of ours, error pages included, inside a frame, object or embed of another site."""
    address, body = attacker
    source = "data" if element == "object" else "src"
    body[0] = "".join(f'<{element} {source}="{live}{path}" width=300 height=300></{element}>' for path in PAGES)
    context = chromium.new_context()
    page = context.new_page()
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto(address, wait_until="networkidle")
    for frame in page.frames[1:]:
        assert not frame.url.startswith(live), frame.url
        assert frame.query_selector("form, header, main") is None
    assert element != "iframe" or len([text for text in refused if "frame" in text.lower()]) >= len(PAGES)
    context.close()


def test_ac_l21_another_sites_form_is_refused_by_what_chromium_says(
    chromium: Browser, live: str, attacker: tuple[str, list[str]]
) -> None:
    """A form on another site, sent by a real browser without any cookie, gets 403."""
    address, body = attacker
    field = '<input name="email" value="victim@example.jp">'
    body[0] = f'<form method="post" action="{live}/login">{field}<button>go</button></form>'
    context = chromium.new_context()
    page = context.new_page()
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
    page.goto(address)
    with page.expect_navigation() as moved:
        page.click("button")
    assert moved.value is not None
    assert moved.value.status == 403
    assert sent[0].all_headers()["origin"] != live
    context.close()
