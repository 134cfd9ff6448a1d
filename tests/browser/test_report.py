"""A hostile report in a real Chromium: in its frame on our page, and opened by itself at the store (AC-U11)."""

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from app.delivery.bundle import put_together
from app.delivery.service import build
from app.kit.ids import new_secret
from app.login.people import SESSION_COOKIE
from app.login.sessions import start_session
from app.models import Order
from app.portal import Portal
from tests.checkout.shop import put_result
from tests.helpers import make_order, wait_for

pytestmark = pytest.mark.browser

RAN = "document.documentElement.dataset.ran=1;fetch('{elsewhere}/ran').catch(()=>0)"
# What would run, load, send or lead away in a page that holds it unescaped.
HOSTILE = f"""<!doctype html><html><head><title></title><script>{RAN}</script>
<meta http-equiv="Content-Security-Policy" content="script-src 'unsafe-inline' *">
<base href="{{elsewhere}}/"><link rel="stylesheet" href="{{elsewhere}}/style.css">
<style>@import url({{elsewhere}}/import.css); h1 {{ color: rgb(1, 2, 3) }}</style></head>
<body><h1>売上</h1><img src="{{elsewhere}}/pixel.png" onerror="{RAN}">
<svg onload="{RAN}"><script>{RAN}</script></svg>
<a id="link" href="javascript:{RAN}">a</a><iframe src="javascript:{RAN}"></iframe>
<iframe srcdoc="<script>{RAN}</script>"></iframe>
<object data="data:text/html,<script>{RAN}</script>"></object><embed src="{{elsewhere}}/x.swf">
<form id="form" action="{{elsewhere}}/send"><button id="send">b</button></form>
<video src=x onerror="{RAN}"></video>
<script src="{{elsewhere}}/s.js"></script><script type="module">{RAN}</script>
<details open ontoggle="{RAN}">d</details>
<img id="good" src="data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"></body></html>"""


class Elsewhere(ThreadingHTTPServer):
    """Another site, which remembers what it was asked for."""

    def __init__(self) -> None:
        """Take a port."""
        super().__init__(("127.0.0.1", 0), _Remember)
        self.asked: list[str] = []


class _Remember(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        self.send_response(404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    """Serve another site."""
    server = Elsewhere()
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def order(portal: Portal, elsewhere: Elsewhere) -> Order:
    """Give a delivered order whose report is hostile."""
    now = portal.clock()
    made = make_order(
        portal, state="analysed", money="paid", analysed_at=now, paid_at=now, filename="</title><script>x</script>.csv"
    )  # fmt: skip
    put_result(portal, made)
    portal.storage.put(
        f"results/{made.id}/run/report.html",
        HOSTILE.replace("{elsewhere}", f"http://127.0.0.1:{elsewhere.server_port}").encode(),
        "text/html",
    )
    build(made.id)
    return made


def enter(page: Page, portal: Portal, order: Order) -> None:
    """Log the order's owner in."""
    with portal.database.transaction() as session:
        secret, _ = start_session(session, order.email, "127.0.0.1", "Mozilla/5.0", portal.clock())
    page.context.add_cookies([{"name": SESSION_COOKIE, "value": secret, "domain": "127.0.0.1", "path": "/"}])
    # One that scripts of our own origin could read: proof that the frame's can't.
    page.context.add_cookies([{"name": "readable", "value": new_secret(), "domain": "127.0.0.1", "path": "/"}])


def test_ac_u11_a_hostile_report_does_nothing_in_its_frame(
    chromium: Browser, portal: Portal, live: str, order: Order, elsewhere: Elsewhere
) -> None:
    """Its owner, logged in, opens it: shown from the store's origin, no script ran, no cookie, no others asked."""
    context = chromium.new_context(base_url=live, locale="en-US")
    page = context.new_page()
    enter(page, portal, order)
    page.goto(f"/orders/{order.id}")
    page.click("text=Open the report")
    page.wait_for_url("**/report")
    shown = page.frame_locator("iframe.report")
    shown.locator("#good").wait_for()
    (frame,) = (frame for frame in page.frames if frame.parent_frame == page.main_frame)
    cookie = "(() => { try { return document.cookie } catch (e) { return String(e) } })()"
    assert f"{urlsplit(frame.url).scheme}://{urlsplit(frame.url).netloc}" == portal.settings.object_store_origin
    assert shown.locator("h1").evaluate("e => getComputedStyle(e).color") == "rgb(1, 2, 3)"  # its own style holds
    assert shown.locator("h1").inner_text() == "売上"
    shown.locator("#link").dispatch_event("click")
    shown.locator("#send").dispatch_event("click")
    assert shown.locator("html").get_attribute("data-ran") is None
    assert "SecurityError" in frame.evaluate(cookie)
    assert frame.evaluate("self.origin") == "null"
    assert page.locator("html").get_attribute("data-ran") is None
    assert elsewhere.asked == []
    assert page.title().startswith("Report")
    context.close()


def test_ac_u11_opened_by_itself_it_does_nothing_either(
    chromium: Browser, portal: Portal, live: str, order: Order, elsewhere: Elsewhere
) -> None:
    """The store's address in a tab of its own: our policy stands in the page itself, so nothing runs there."""
    page = chromium.new_page()
    key = f"results/{order.id}/report.html"
    address = portal.storage.sign_download(key, "inline", "text/html; charset=utf-8")
    page.goto(address)
    page.locator("#good").wait_for()
    page.locator("#link").dispatch_event("click")
    page.locator("#send").dispatch_event("click")
    assert page.locator("html").get_attribute("data-ran") is None
    assert page.locator("h1").inner_text() == "売上"
    assert page.url == address
    assert elsewhere.asked == []
    page.close()


def test_ac_u11_the_test_sees_what_runs(
    chromium: Browser, portal: Portal, live: str, order: Order, elsewhere: Elsewhere
) -> None:
    """The same page as the program wrote it, without our policy: its scripts do run."""
    page = chromium.new_page()
    address = portal.storage.sign_download(f"results/{order.id}/run/report.html", "inline", "text/html; charset=utf-8")
    page.goto(address)
    page.wait_for_selector("html[data-ran='1']", state="attached")
    wait_for(lambda: "/ran" in elsewhere.asked, 40, "the script's request")
    page.close()


def test_the_report_of_a_friendly_program(new_browser: Callable[..., Page], portal: Portal, order: Order) -> None:
    """A report that asks for nothing special is shown without a word on the console, on a phone as well."""
    portal.storage.put(
        f"results/{order.id}/run/report.html", b"<!doctype html><title>t</title><h1>fine</h1>", "text/html"
    )
    put_together(order)
    page = new_browser("ja-JP", width=390, height=800)
    enter(page, portal, order)
    page.goto(f"/orders/{order.id}/report")
    assert page.frame_locator("iframe.report").locator("h1").inner_text() == "fine"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
