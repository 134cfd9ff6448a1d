"""A member of staff in Chromium: set up the phone, log out, come back with a code, and with a recovery code."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from tests.browser.look import Look
from tests.browser.staff import set_up_phone
from tests.browser.test_journey import log_in
from tests.helpers import Sandbox

pytestmark = pytest.mark.browser


def type_code(page: Page, code: str) -> None:
    """Type a code of the phone and go on."""
    page.fill("#code", code)
    page.click("main form:has(#code) button.button")


def log_out(page: Page) -> None:
    with page.expect_navigation():
        page.click("form[action='/logout'] button")


@pytest.mark.parametrize(
    ("locale", "width", "theme"), [("ja-JP", 1280, "light"), ("en-US", 390, "dark")], ids=["desktop", "phone"]
)
def test_enrol_log_out_code_recovery_code(
    new_browser: Callable[..., Page],
    sandbox: Sandbox,
    app: Flask,
    email: str,
    shots: Path,
    locale: str,
    width: int,
    theme: str,
) -> None:
    """One account's way through every page of the second factor, each of them audited, none scrolling sideways."""
    run = app.test_cli_runner().invoke
    assert run(args=["portal", "staff", "add", email, "--role", "admin"]).exit_code == 0
    page = new_browser(locale, width, refusals=True)
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    look = Look(page, shots)

    log_in(page, sandbox, email)
    page.goto("/staff/orders")
    look("set-up")
    assert page.locator("img.qr").evaluate("image => image.naturalWidth") > 100
    phone, codes = set_up_phone(page)
    expect(page.locator(".site-nav a[href='/staff/orders']")).to_be_visible()

    log_out(page)
    log_in(page, sandbox, email)
    page.click(".site-nav a[href='/staff/orders']")
    page.wait_for_url(re.compile("/staff/login/code"))
    look("code")
    type_code(page, "000000" if phone.shown(phone.last) != "000000" else "000001")
    expect(page.locator("#code-error")).to_be_visible()
    look("wrong")
    type_code(page, phone.code())
    page.wait_for_url(re.compile("/staff/orders"))

    log_out(page)
    log_in(page, sandbox, email)
    page.goto("/staff/orders")
    page.click("details summary")
    look("recovery")
    page.fill("#recovery", codes[0].lower())
    page.click("details form button.button")
    page.wait_for_url(re.compile("/staff/orders"))
    page.click("a[href='/staff/login/factor']")
    expect(page.locator("main")).to_contain_text("9")
    look("factor")
    page.click("a[href='/staff/login/recovery-codes']")
    look("new-codes")
    page.click("main form button.button")
    expect(page.locator(".recovery-codes li")).to_have_count(10)
    look("codes")
    page.goto("/staff/login/phone")
    look("new-phone")
    for _ in range(4):  # and the wrong one before
        page.goto("/staff/login/code?again=1")
        type_code(page, "000000")
    expect(page.locator("#code")).to_have_count(0)
    look("wait")
    assert look.found == []
