"""The whole job, as a newcomer does it: order, upload, preview, mail, payment, result, another day, staff."""

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from tests.browser.conftest import audit
from tests.browser.payer import PAID_MS, pay_at_till, pay_by_card, take_voucher
from tests.browser.staff import set_up_phone
from tests.files import taxis, weather
from tests.helpers import Sandbox, wait_for

pytestmark = pytest.mark.browser
ORDER = re.compile(r"/orders/([0-9a-f-]{36})")


def order(page: Page, email: str, file: Path, product: str = "csv-profile") -> str:
    """Order an analysis with the page's own form; return the OrderID once the file is analysed."""
    page.goto(f"/?product={product}")
    page.fill("input[name=email]", email)
    page.set_input_files("input[type=file]", str(file))
    page.click("form[data-upload] button.button:not([type=button])")
    page.wait_for_url(ORDER)
    found = ORDER.search(page.url)
    assert found is not None
    return found[1]


def mail_with(sandbox: Sandbox, email: str, path: str, after: int = 0) -> tuple[dict[str, str], str]:
    """Wait for a mail, after the first so many, whose text links to a path; return the newest one and the link."""

    def look() -> tuple[dict[str, str], str] | None:
        mails = sandbox.mails(email)
        for mail in mails[: len(mails) - after]:
            link = re.search(rf"https?://[^\s/]+{path}\S*", mail["text"])
            if link:
                return mail, link[0]
        return None

    return wait_for(look, 60, f"a mail to {email} with {path}")


def download(page: Page) -> zipfile.ZipFile:
    """Take the result with the button that a customer sees."""
    with page.expect_download() as waiting:
        page.click("a[href*='/files/']")
    assert re.search(r"結果|result", waiting.value.suggested_filename)
    return zipfile.ZipFile(io.BytesIO(Path(waiting.value.path()).read_bytes()))


def check_result(archive: zipfile.ZipFile) -> None:
    """See that the result holds a report, plots and tables."""
    names = archive.namelist()
    assert any(n.endswith("report.html") for n in names), names
    assert any("/plots/" in n and n.endswith(".png") for n in names), names
    assert any("/tables/" in n and n.endswith(".csv") for n in names), names
    assert archive.testzip() is None


def log_in(page: Page, sandbox: Sandbox, email: str) -> None:
    """Log in by mail: ask, open the mailed link, press its one button."""
    before = len(sandbox.mails(email))
    page.goto("/login")
    page.fill("input[name=email]", email)
    page.click("main form button.button")
    _, link = mail_with(sandbox, email, "/login/", before)
    page.goto(link)
    assert page.locator("main form[method=post] button.button").count() == 1
    assert audit(page) == []
    page.goto("/history")
    expect(page).to_have_url(re.compile("/login"))  # opening the link did not log in
    page.goto(link)
    with page.expect_navigation():
        page.click("main form button.button")
    page.goto("/history")


def choose(page: Page, method: str) -> None:
    """Go through the choice and the last screen to Stripe's page."""
    page.click(f"label[for=method-{method}]")
    page.click("main form button.button")
    assert audit(page) == []
    page.click("main form[method=post] button.button")
    page.wait_for_url(re.compile("/c/pay/"))


def test_card_on_taxis(
    new_browser: Callable[..., Page], sandbox: Sandbox, app: Flask, email: str, tmp_path: Path, live: str
) -> None:
    page = new_browser()
    page.goto("/")
    assert audit(page) == []
    assert "1,500円" in page.content()
    order_id = order(page, email, taxis(tmp_path))
    expect(page.locator("main figure img")).to_be_visible(timeout=60_000)
    assert audit(page) == []
    assert page.request.get(f"/orders/{order_id}/files/result.zip", max_redirects=0).status != 302  # not paid

    _, link = mail_with(sandbox, email, "/orders/.*/pay")
    assert f"/orders/{order_id}/pay?t=" in link
    page.goto(link)
    assert audit(page) == []
    choose(page, "card")
    pay_by_card(page)
    page.wait_for_url(re.compile(f"{live}/orders/{order_id}"))
    expect(page.locator("a[href*='/files/']")).to_be_visible(timeout=30_000)
    assert audit(page) == []
    check_result(download(page))
    mail_with(sandbox, email, f"/orders/{order_id}(?!/pay)")

    # Another day, another browser, in English.
    other = new_browser("en-US")
    assert other.request.get(f"/orders/{order_id}").status == 404
    log_in(other, sandbox, email)
    expect(other.locator("main")).to_contain_text("¥1,500")
    expect(other.locator("main")).to_contain_text("taxis.csv")
    assert audit(other) == []
    check_result(download(other))

    # Staff.
    staff = f"staff-{email}"
    done = app.test_cli_runner().invoke(args=["portal", "staff", "add", staff, "--role", "admin"])
    assert done.exit_code == 0, done.output
    back_office = new_browser()
    log_in(back_office, sandbox, staff)
    set_up_phone(back_office)
    assert audit(back_office) == []
    back_office.goto(f"/staff/orders?q={order_id}")
    back_office.click(f"a[href*='{order_id}']")
    assert audit(back_office) == []
    expect(back_office.locator("main")).to_contain_text(email)
    assert other.request.get("/staff/orders").status == 404


def test_konbini_on_weather(new_browser: Callable[..., Page], sandbox: Sandbox, email: str, tmp_path: Path) -> None:
    page = new_browser(width=390, height=844)
    order_id = order(page, email, weather(tmp_path))
    expect(page.locator("main figure img")).to_be_visible(timeout=60_000)
    page.click("a[href$='/pay']")
    choose(page, "konbini")
    take_voucher(page)

    page.goto(f"/orders/{order_id}")
    codes = page.locator(".store .digits")
    expect(codes.first).to_be_visible(timeout=30_000)
    assert page.locator(".store").count() == 4
    expect(page.locator("[data-deadline]")).not_to_be_empty()
    assert audit(page) == []
    assert page.locator("a[href*='/files/']").count() == 0
    mail, _ = mail_with(sandbox, email, "(?:/konbini)?/voucher/")
    assert codes.first.inner_text() in mail["text"]
    assert "1,620円" in page.content()

    pay_at_till(new_browser, sandbox, order_id)
    expect(page.locator("a[href*='/files/']")).to_be_visible(timeout=PAID_MS)  # by itself
    check_result(download(page))
    wait_for(lambda: len(sandbox.mails(email)) == 3, 30, "three mails")


def test_a_small_price_and_konbini(new_browser: Callable[..., Page], email: str, tmp_path: Path) -> None:
    page = new_browser()
    order(page, email, taxis(tmp_path), "quick-look")
    expect(page.locator("main figure img")).to_be_visible(timeout=60_000)
    page.click("a[href$='/pay']")
    assert page.locator("input[name=method][value=konbini]").is_disabled()
    expect(page.locator("main")).to_contain_text("400円")
