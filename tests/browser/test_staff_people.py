"""An administrator in Chromium: invites somebody, who sets up a phone; sees what a customer sees; reads the log."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from app.kit.ids import new_id
from app.models import Order
from app.portal import Portal
from tests.browser.conftest import audit
from tests.browser.look import Look
from tests.browser.staff import set_up_phone
from tests.browser.test_journey import log_in
from tests.helpers import Sandbox, make_order, wait_for

pytestmark = pytest.mark.browser


def invite(page: Page, sandbox: Sandbox, newcomer: str, look: Look) -> str:
    """Invite somebody, with every part of the page open; return the link of the mail."""
    page.goto("/staff/people")
    page.fill("#email", newcomer)
    page.select_option("#role", "support")
    page.click("form[action='/staff/people/invite'] button")
    expect(page.locator("main")).to_contain_text(newcomer)
    for summary in page.locator("details summary").all():
        summary.click()
    look("people")
    mail = wait_for(lambda: next(iter(sandbox.mails(newcomer)), None), what="the invitation")
    link = re.search(r"https?://\S+/login\?next=staff.orders", mail["text"])
    assert link is not None
    return link[0]


def see_as_customer(page: Page, order: Order, look: Look) -> None:
    """Look as the customer of an order, try to change something, and come back."""
    page.goto(f"/staff/orders/{order.id}")
    page.click(f"a[href='/staff/orders/{order.id}/view-as']")
    look("before-the-view")
    page.fill("#reason", "電話でのお問い合わせ")
    page.click("main form.panel button")
    page.wait_for_url(f"**/orders/{order.id}")
    expect(page.locator(".view-as")).to_contain_text(order.email)
    assert page.locator("input[type=file]").count() == 0
    look("order-as-the-customer")
    page.goto("/history")
    expect(page.locator(".view-as")).to_be_visible()
    look("history-as-the-customer")
    page.goto("/account")
    page.click("form[action='/account/sessions/end-all'] button")
    expect(page.locator(".view-as")).to_be_visible()
    expect(page.locator("h1")).to_have_text(re.compile("You are only looking|閲覧のみ"))
    look("refused")
    page.click(".view-as button")
    page.wait_for_url(f"**/staff/orders/{order.id}")
    expect(page.locator(".view-as")).to_have_count(0)


@pytest.mark.parametrize(
    ("locale", "width", "theme"), [("ja-JP", 1280, "light"), ("en-US", 390, "dark")], ids=["desktop", "phone"]
)
def test_invite_view_as_a_customer_and_read_the_log(
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
    """Every page on the way is audited, none scrolls sideways."""
    order, newcomer = make_order(portal, email=f"customer-{email}"), f"new-{new_id()[:8]}-{email}"
    assert app.test_cli_runner().invoke(args=["portal", "staff", "add", email, "--role", "admin"]).exit_code == 0
    page = new_browser(locale, width, refusals=True)
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    look = Look(page, shots)

    log_in(page, sandbox, email)
    set_up_phone(page)
    link = invite(page, sandbox, newcomer, look)
    other = new_browser(locale, width, refusals=True)
    other.goto(link)
    assert audit(other) == []
    log_in(other, sandbox, newcomer)
    set_up_phone(other)
    see_as_customer(page, order, look)
    page.goto(f"/staff/log?object={order.id}")
    expect(page.locator("tbody tr")).not_to_have_count(0)
    expect(page.locator("tbody")).to_contain_text("電話でのお問い合わせ")
    page.locator("tbody details summary").first.click()
    look("log")
    assert look.found == []
