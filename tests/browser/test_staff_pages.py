"""Every page of the back office in Chromium, both languages, phone and desk: audited, and its picture taken.

The pictures of docs/staff.md are made by it (`make staff-pictures`).
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from app.login.people import SESSION_COOKIE
from app.portal import Portal
from tests.browser.look import Look
from tests.browser.office import furnish
from tests.browser.test_no_violations import Watch
from tests.fuzz.routes import rules
from tests.helpers import Sandbox

pytestmark = pytest.mark.browser

# The other halves, Japanese at the desk and English on the phone, are those of the tests of each page.
LOOKS = [("ja-JP", 390, "dark"), ("en-US", 1280, "light")]
ORDER = "/staff/orders/{order}"
# Endpoint -> name of the picture -> address.
PAGES: dict[str, dict[str, str]] = {
    "staff.orders": {
        "orders": "/staff/orders",
        "orders-found": "/staff/orders?q=example.jp&attention=1",
        "orders-none": "/staff/orders?q=nothing-like-this",
    },
    "staff_list.kept_views": {"views": "/staff/orders/views"},
    "staff_list.export": {"export": "/staff/orders/export"},
    "staff.order": {"order": ORDER},
    "staff_order.mail": {"mail": f"{ORDER}/mails/{{mail}}"},
    "staff_order.files": {"file": f"{ORDER}/files"},
    "staff_actions.act": {
        f"do-{key}": f"{ORDER}/do/{key}"
        for key in (
            "resend", "pay-link", "email", "again", "rebuild", "cancel", "extend", "close-downloads",
            "open-downloads", "refund", "transfer", "erase",
        )
    },
    "staff_refunds.show": {"refunds": "/staff/orders/{large}/refunds"},
    "staff.end_sessions": {"end-logins": f"{ORDER}/end-sessions"},
    "staff_view_as.begin": {"view-as": f"{ORDER}/view-as"},
    "staff_attention.index": {"attention": "/staff/attention"},
    "staff_attention.put_away": {"closed": "/staff/attention/closed"},
    "staff.findings": {"findings": "/staff/findings"},
    "staff.events": {"events": "/staff/events"},
    "staff.event": {"event": "/staff/events/{event}"},
    "staff_numbers.index": {"numbers": "/staff/numbers"},
    "staff_people.index": {"people": "/staff/people"},
    "staff_log.index": {"log": "/staff/log"},
    "staff_login.factor": {"factor": "/staff/login/factor"},
}  # fmt: skip
ELSEWHERE = {
    "staff.index": "leads to the orders",
    "staff_attention.count": "a part that pages fetch",
    "staff_login.code": "test_staff_login",
    "staff_login.enrol": "test_staff_login",
    "staff_login.phone": "test_staff_login",
    "staff_login.new_codes": "test_staff_login",
}


def test_every_page_of_the_back_office_is_looked_at(app: Flask) -> None:
    """Whoever adds a page names it above."""
    ours = {rule.endpoint for rule in rules(app, "GET") if rule.rule.startswith("/staff")}
    assert ours == {*PAGES, *ELSEWHERE}


@pytest.mark.parametrize(("locale", "width", "theme"), LOOKS)
def test_every_page_of_the_back_office(
    new_browser: Callable[..., Page],
    portal: Portal,
    sandbox: Sandbox,
    live: str,
    shots: Path,
    locale: str,
    width: int,
    theme: str,
) -> None:
    """No serious finding of axe, nothing wider than the screen, nothing hidden that shows."""
    office, page = furnish(portal, sandbox), new_browser(locale, width)
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    page.context.add_cookies([{"name": SESSION_COOKIE, "value": office.secret, "url": live}])
    look, watch = Look(page, shots), Watch(page, {live, portal.settings.object_store_origin})
    names = {"order": office.order.id, "large": office.large.id, "mail": office.mail, "event": office.event}
    for name, path in (pair for pages in PAGES.values() for pair in pages.items()):
        answer = page.goto(path.format(**names))
        assert answer is not None
        assert answer.status == 200, path
        expect(page.locator(".rooms [hx-get] .badge")).to_be_visible()
        expect(page.locator("#offline")).to_be_hidden()
        look(f"{name}-{locale[:2]}")

    page.goto(f"/staff/orders/{office.order.id}/view-as")
    page.fill("#reason", "4711")
    page.click("main form.panel button")
    page.wait_for_url(f"**/orders/{office.order.id}")
    look(f"as-customer-{locale[:2]}")
    assert look.found + watch.found == []
