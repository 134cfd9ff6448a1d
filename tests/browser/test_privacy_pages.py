"""A person takes a copy of their data, then has it deleted, on a phone and at a desk (AC-P02)."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app.login.people import SESSION_COOKIE
from app.login.sessions import start_session
from app.portal import Portal
from tests.browser.conftest import audit
from tests.checkout.shop import put_result
from tests.helpers import Sandbox, make_order, make_payment, reload, wait_for

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("locale", "width", "theme"), [("ja-JP", 390, "light"), ("en-US", 1280, "dark")])
def test_ac_p02_copy_and_deletion_by_hand(
    new_browser: Callable[..., Page],
    portal: Portal,
    sandbox: Sandbox,
    email: str,
    shots: Path,
    locale: str,
    width: int,
    theme: str,
) -> None:
    """From the account's page to the copy, to the page that says what goes, to the last mail."""
    page = new_browser(locale, width, refusals=True)
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    with portal.database.transaction() as session:
        secret, _ = start_session(session, email, "127.0.0.1", "tests", portal.clock())
    page.context.add_cookies([{"name": SESSION_COOKIE, "value": secret, "domain": "127.0.0.1", "path": "/"}])
    waiting = make_order(portal, email=email, state="analysed", filename="待ち.csv")
    voucher = make_payment(portal, waiting, state="awaiting", method="konbini")
    order = make_order(portal, email=email, state="analysed")
    put_result(portal, order)
    found = []

    page.goto("/account")
    with page.expect_download() as download:
        page.click("a[href='/account/export']")
    assert "orders.json" in zipfile.ZipFile(download.value.path()).namelist()
    page.click("a[href='/account/delete']")
    found += audit(page)
    page.screenshot(path=shots / f"blocked-{width}.png", full_page=True)
    assert page.locator("input[name=email]").count() == 0

    with portal.database.transaction() as session:
        session.merge(voucher).state = "failed"
    page.reload()
    page.fill("input[name=email]", "other@example.jp")
    page.click("button.danger")
    expect(page.locator("[aria-invalid=true]")).to_have_count(1)
    found += audit(page)
    page.screenshot(path=shots / f"delete-{width}.png", full_page=True)
    page.fill("input[name=email]", email)
    page.click("button.danger")
    page.wait_for_url("**/account/deleted")
    found += audit(page)
    page.screenshot(path=shots / f"deleted-{width}.png", full_page=True)
    assert reload(portal, order).email != email
    page.goto("/account")
    assert "/login" in page.url
    wait_for(lambda: sandbox.mails(email), 90, "the last mail")
    assert found == []
