"""Every page of the URL map in Chromium, in both languages, for each kind of person, every situation of an order.

A page of a new route is missing here until PAGES or NO_PAGES names it, and the test says so.
"""

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from flask import Flask
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response

from app.kit.ids import new_id
from app.portal import Portal
from tests.cast import HOST, Cast, deliver, make_cast
from tests.fuzz.routes import rules

pytestmark = pytest.mark.browser

EVERY = "every order"
TOKEN = "x" * 43
# Endpoint -> what stands in the rule's variables and after it. "every order": once for each situation of an order.
PAGES: dict[str, tuple[str, ...]] = {
    "intake.index": ("/", "/?product=csv-profile", "/?product=photo-check", "/?product=nothing"),
    "orders.show": (EVERY, f"/orders/{new_id()}"),
    "checkout.choose": (
        f"{EVERY}/pay",
        f"{EVERY}/pay?method=card",
        f"{EVERY}/pay?method=konbini",
        f"/orders/{new_id()}/pay?t=x",
    ),
    "checkout.returned": (f"{EVERY}/return",),
    "delivery.report": (f"{EVERY}/report",),
    "history.index": ("/history",),
    "legal.tokushoho": ("/legal/tokushoho",),
    "legal.privacy": ("/legal/privacy",),
    "legal.terms": ("/legal/terms",),
    "legal.earlier_terms": ("/legal/terms/2026-01", "/legal/terms/nothing"),
    "login.ask": ("/login", "/login?again=1", "/login?next=orders.show"),
    "login.link": (f"/login/{TOKEN}",),
    "login.code": ("/login/code",),
    "login.account": ("/account",),
    "login.address.change": ("/account/email",),
    "login.address.code": ("/account/email/code",),
    "privacy.delete": ("/account/delete",),
    "privacy.deleted": ("/account/deleted",),
    "staff.index": ("/staff",),
    "staff.orders": ("/staff/orders", "/staff/orders?q=nothing"),
    "staff_list.export": ("/staff/orders/export",),
    "staff_list.kept_views": ("/staff/orders/views",),
    "staff.order": ("/staff/orders/{order}",),
    "staff_refunds.show": ("/staff/orders/{order}/refunds",),
    "staff.end_sessions": ("/staff/orders/{order}/end-sessions",),
    "staff.findings": ("/staff/findings",),
    "staff.events": ("/staff/events", "/staff/events?state=dead"),
    "staff.event": (f"/staff/events/evt_{new_id()[:8]}",),  # one that exists: test_staff_pages
    "staff_order.mail": (f"/staff/orders/{{order}}/mails/{new_id()}",),  # one that exists: test_staff_pages
    "staff_order.files": ("/staff/orders/{order}/files",),
    "staff_actions.act": ("/staff/orders/{order}/do/refund", "/staff/orders/{order}/do/nothing"),
    "staff_attention.index": ("/staff/attention", "/staff/attention?kind=double_payment"),
    "staff_attention.put_away": ("/staff/attention/closed",),
    "staff_numbers.index": ("/staff/numbers", "/staff/numbers?from=nothing"),
    "staff_view_as.begin": ("/staff/orders/{order}/view-as",),
    "staff_people.index": ("/staff/people",),
    "staff_log.index": ("/staff/log", "/staff/log?member=nobody"),
    "staff_login.code": ("/staff/login/code",),
    "staff_login.enrol": ("/staff/login/enrol",),
    "staff_login.factor": ("/staff/login/factor",),
    "staff_login.phone": ("/staff/login/phone",),
    "staff_login.new_codes": ("/staff/login/recovery-codes",),
}
NO_PAGES = {
    "static": "files of pages",
    "health.healthz": "text for operators",
    "health.readyz": "text for operators",
    "health.metrics": "text for operators",
    "orders.status": "a part that pages fetch",
    "staff_attention.count": "a part that pages fetch",
    "delivery.download": "leads to a file",
    "delivery.preview": "leads to an image that pages show",
    "privacy.export": "a file",
}
LISTEN = "addEventListener('securitypolicyviolation', e => console.error('CSP', e.violatedDirective, e.blockedURI))"
REFUSED = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")


def addresses(cast: Cast, kind: str) -> Iterator[str]:
    """List all addresses; only the customer sees orders in all their situations."""
    orders = list(cast.orders.values())
    for pattern in (pattern for patterns in PAGES.values() for pattern in patterns):
        if pattern.startswith(EVERY):
            for order in orders if kind == "customer" else orders[:1]:
                yield pattern.replace(EVERY, f"/orders/{order.id}")
        else:
            yield pattern.replace("{order}", orders[0].id)


class Watch:
    """Listens to a page: what it complains of, what it loads, and from where."""

    def __init__(self, page: Page, ours: set[str]) -> None:
        """Hear all that happens in the page from now on; `ours` are origins that it may ask."""
        self.found: list[str] = []
        self._ours, self._page = ours, page
        page.add_init_script(LISTEN)
        page.on("request", self._asked)
        page.on("response", self._answered)
        page.on("console", self._said)
        page.on("pageerror", lambda error: self._heard(str(error)))
        page.on("requestfailed", self._failed)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self._heard(message.text)

    def _heard(self, text: str) -> None:
        if not REFUSED.match(text):  # `_answered` tells a refused page from a missing part of one
            self.found.append(f"{self._page.url}: {text}")

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in {"data", "blob"} and f"{parts.scheme}://{parts.netloc}" not in self._ours:
            self._heard(f"asks {request.url}")
        if parts.path == "/csp-reports":
            self._heard(f"reports {request.post_data}")

    def _answered(self, response: Response) -> None:
        if response.status >= 500 or (response.status >= 400 and not response.request.is_navigation_request()):
            self._heard(f"{response.status} {response.url}")

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # left for the next page while something was under way
            self._heard(f"{request.failure} {request.url}")


@pytest.fixture
def cast(portal: Portal) -> Cast:
    """Give people and orders with their files."""
    made = make_cast(portal)
    deliver(portal, made)
    return made


def test_every_page_is_walked(app: Flask) -> None:
    """Whoever adds a GET route names it above."""
    assert {rule.endpoint for rule in rules(app, "GET")} == {*PAGES, *NO_PAGES}


def test_what_breaks_the_policy_is_seen(chromium: Browser, portal: Portal, live: str) -> None:
    """The watch itself: an inline style, another origin, a missing part of a page."""
    page = chromium.new_page()
    watch = Watch(page, {live, portal.settings.object_store_origin})
    page.goto(live)
    assert watch.found == []
    for breach in (
        "document.body.setAttribute('style', 'color: red')",
        "fetch('http://127.0.0.1:9/').catch(() => 0)",
        "fetch('/nowhere')",
    ):
        before = len(watch.found)
        with page.expect_console_message():
            page.evaluate(breach)
        assert len(watch.found) > before, breach
    page.close()


@pytest.mark.parametrize("locale", ["ja-JP", "en-US"])
@pytest.mark.parametrize("kind", ["stranger", "customer", "staff"])
def test_ac_h01_h17_every_page_breaks_no_policy(
    new_browser: Callable[..., Page], portal: Portal, live: str, cast: Cast, locale: str, kind: str
) -> None:
    """Chromium opens every page: no violation, nothing on the console, nothing asked of others but our object store."""
    page = new_browser(locale, refusals=True)
    page.context.add_cookies(
        [{"name": name, "value": value, "domain": HOST, "path": "/"} for name, value in cast.cookies[kind].items()]
    )
    watch = Watch(page, {live, portal.settings.object_store_origin})
    opened = 0
    for path in addresses(cast, kind):
        answer = page.goto(path)
        assert answer is not None
        opened += answer.status == 200
    assert watch.found == []
    assert opened > 10
