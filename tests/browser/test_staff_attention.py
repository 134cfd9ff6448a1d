"""Staff in Chromium: take what needs attention, close it, bring it back; an event with its contents, begun anew."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from app.kit.ids import new_id
from app.models import StripeEvent
from app.portal import Portal
from tests.browser.look import Look
from tests.browser.staff import set_up_phone
from tests.browser.test_journey import log_in
from tests.helpers import Sandbox, make_order

pytestmark = pytest.mark.browser

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)  # the oldest of all, so that it is on the first page
INBOX = "/staff/attention?kind=checksum_mismatch"


@pytest.mark.parametrize(
    ("locale", "width", "theme"), [("ja-JP", 1280, "light"), ("en-US", 390, "dark")], ids=["desktop", "phone"]
)
def test_take_close_and_bring_back(
    new_browser: Callable[..., Page],
    sandbox: Sandbox,
    app: Flask,
    portal: Portal,
    email: str,
    shots: Path,
    locale: str,
    width: int,
    theme: str,
) -> None:
    """Every page on the way is audited, none scrolls sideways; with htmx nothing but the one thing changes."""
    order = make_order(portal, attention="checksum_mismatch", state="failed", created_at=LONG_AGO)
    event_id = f"evt_{new_id().replace('-', '')}"
    with portal.database.transaction() as session:
        event = {"type": "refund.failed", "state": "dead", "attempts": 12, "note": "StripeDownError: x"}
        payload = '{"object": "event", "data": {"object": {"object": "refund", "id": "re_1", "amount": 1500}}}'
        session.add(StripeEvent(id=event_id, received_at=LONG_AGO, payload=payload, **event))
    assert app.test_cli_runner().invoke(args=["portal", "staff", "add", email, "--role", "support"]).exit_code == 0
    page = new_browser(locale, width, refusals=True)
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    look = Look(page, shots)

    log_in(page, sandbox, email)
    set_up_phone(page)
    expect(page.locator(".rooms .badge")).to_be_visible()
    page.goto(INBOX)
    mine = page.locator("li.thing").filter(has=page.locator(f"a[href='/staff/orders/{order.id}']"))
    mine.locator("button[id$='-take']").click()
    expect(mine).to_contain_text(email)
    expect(mine.locator("button[id$='-let-go']")).to_be_visible()
    assert page.url.endswith(INBOX)
    look("taken")
    mine.locator("summary").click()
    mine.locator("input[name=reason]").fill("お客様に連絡済み")
    look("closing")
    mine.locator("button[id$='-close']").click()
    expect(mine).to_have_count(0)
    expect(page.locator("[role=status]")).to_be_visible()
    look("closed")
    page.goto("/staff/attention/closed")
    look("what-was-closed")
    row = page.locator("tr").filter(has_text=order.id)
    expect(row).to_contain_text("お客様に連絡済み")
    with page.expect_response(lambda response: response.request.method == "POST"):
        row.locator("button").click()
    page.goto(INBOX)
    expect(mine).to_be_visible()

    page.goto("/staff/events")
    look("events")
    page.goto(f"/staff/events/{event_id}")
    expect(page.locator("pre")).to_contain_text('"amount": 1500')
    look("event")
    page.locator("form[action$='/replay'] button").click()
    page.wait_for_url(f"**/staff/events/{event_id}")
    expect(page.locator(".notice.ok")).to_be_visible()
    assert look.found == []
