"""A member of staff in Chromium: the mailed link, then the phone."""

import re

from playwright.sync_api import Page

from tests.browser.conftest import audit
from tests.staff_login.steps import Phone


def set_up_phone(page: Page) -> tuple[Phone, list[str]]:
    """Set up the first phone on the page that the mailed login led to; return it and the recovery codes."""
    page.goto("/staff/orders")
    page.wait_for_url(re.compile("/staff/login/enrol"))
    found = audit(page)
    phone = Phone(page.locator("#secret").inner_text().replace(" ", ""))
    page.fill("#code", phone.code())
    page.click("main form button.button")
    page.wait_for_selector(".recovery-codes")
    assert found + audit(page) == []
    codes = page.locator(".recovery-codes li").all_inner_texts()
    page.click("main a.button")
    page.wait_for_url(re.compile("/staff/orders"))
    return phone, codes
