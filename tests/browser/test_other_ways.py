"""The other ways through: without JavaScript, with a wrong file, in English, with the keyboard alone."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from app.models import Order
from app.portal import EXTENSION, Portal
from tests.analyses.pictures import discs, exif, saved
from tests.browser.conftest import audit
from tests.browser.payer import pay_by_card
from tests.browser.test_journey import check_result, choose, download, mail_with, order
from tests.files import no_table, taxis
from tests.helpers import Sandbox

pytestmark = pytest.mark.browser


def test_without_javascript(new_browser: Callable[..., Page], sandbox: Sandbox, email: str, tmp_path: Path) -> None:
    page = new_browser(javascript=False)
    page.goto("/?product=csv-profile")
    page.fill("input[name=email]", email)
    page.click("form[data-upload] button.button:not([type=button])")
    page.set_input_files("input[type=file][name=file]", str(taxis(tmp_path)))
    page.click("main form[enctype] button.button")
    page.wait_for_url(re.compile(r"/orders/.*sent=1"))
    page.click("main form[method=post] button.button")
    page.click("a[href$='/pay']", timeout=60_000)  # the page asks anew by itself
    mail_with(sandbox, email, "/orders/.*/pay")
    page.click("label[for=method-card]")
    page.click("main form button.button")
    page.click("main form[method=post] button.button")
    pay_by_card(page)
    check_result(download(page))
    mail_with(sandbox, email, r"/orders/[0-9a-f-]{36}(?!/pay)")


def test_a_file_that_is_no_table_costs_nothing(
    new_browser: Callable[..., Page], sandbox: Sandbox, app: Flask, email: str, tmp_path: Path
) -> None:
    page = new_browser()
    order_id = order(page, email, no_table(tmp_path))
    expect(page.locator("#status .notice.warn")).to_be_visible(timeout=60_000)
    assert audit(page) == []
    assert page.locator("a[href$='/pay']").count() == 0
    page.goto(f"/orders/{order_id}/pay")
    assert page.locator("form input[name=method]").count() == 0
    here: Portal = app.extensions[EXTENSION]
    with here.database.transaction() as session:
        found = session.get_one(Order, order_id)
    assert (found.state, found.money) == ("rejected", "unpaid")
    assert len(sandbox.mails(email)) == 1


def test_no_byte_of_the_file_passes_through_the_web_process(
    new_browser: Callable[..., Page], sandbox: Sandbox, live: str, email: str, tmp_path: Path
) -> None:
    page = new_browser()
    sizes: dict[str, int] = {}

    def note(request: object) -> None:
        url, body = request.url, request.post_data_buffer or b""  # type: ignore[attr-defined]
        where = "store" if url.startswith(sandbox.s3) else "web" if url.startswith(live) else "elsewhere"
        sizes[where] = max(sizes.get(where, 0), len(body))

    page.on("request", note)
    path = tmp_path / "rides.csv"
    path.write_bytes(taxis(tmp_path).read_bytes())
    order(page, email, path)
    assert sizes["web"] < 5_000
    assert set(sizes) == {"web", "store"}


def test_a_declined_card_leaves_everything_as_it_was(
    new_browser: Callable[..., Page], email: str, tmp_path: Path
) -> None:
    page = new_browser("en-US")
    order_id = order(page, email, taxis(tmp_path))
    page.click("a[href$='/pay']", timeout=60_000)
    choose(page, "card")
    pay_by_card(page, "4000 0000 0000 0002")
    expect(page.locator("form").first).to_contain_text(re.compile("declined", re.IGNORECASE))
    page.goto(f"/orders/{order_id}")
    assert page.locator("a[href*='/files/']").count() == 0
    page.click("a[href$='/pay']")
    choose(page, "card")  # the same open session again
    pay_by_card(page)
    expect(page.locator("a[href*='/files/']")).to_be_visible(timeout=30_000)


def test_a_photo(new_browser: Callable[..., Page], sandbox: Sandbox, email: str, tmp_path: Path) -> None:
    """The product of another field goes the same way, and what it knows of the photographer stays with the file."""
    page = new_browser("en-US", 390, 844)
    path = tmp_path / "夏の海.jpg"
    path.write_bytes(saved(discs(), exif=exif(secrets=True)))
    order(page, email, path, "photo-check")
    expect(page.locator("main figure img")).to_be_visible(timeout=60_000)
    assert audit(page) == []
    page.click("a[href$='/pay']")
    choose(page, "card")
    pay_by_card(page)
    expect(page.locator("a[href*='/files/']").first).to_be_visible(timeout=30_000)
    archive = download(page)
    check_result(archive)
    assert all("夏の海" in name for name in archive.namelist()), archive.namelist()
    assert not any(b"Himitsu" in archive.read(name) for name in archive.namelist())
    mail_with(sandbox, email, r"/orders/[0-9a-f-]{36}(?!/pay)")


def test_ordering_with_the_keyboard_alone(new_browser: Callable[..., Page], email: str, tmp_path: Path) -> None:
    page = new_browser()
    page.goto("/?product=csv-profile")
    page.set_input_files("input[type=file]", str(taxis(tmp_path)))  # the system's own dialog can't be driven
    seen: list[str] = []
    for _ in range(20):
        page.keyboard.press("Tab")
        here = page.evaluate("document.activeElement.name || document.activeElement.textContent.trim()")
        seen.append(here)
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", seen
        if here == "email":
            break
    page.keyboard.type(email)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/orders/"))
