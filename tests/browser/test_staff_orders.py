"""The list of orders in Chromium: find by a piece, filter without a reload, keep a view, tick, save as CSV."""

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app.kit.ids import new_id
from app.portal import Portal
from tests.browser.look import Look
from tests.browser.test_staff_order import enter
from tests.helpers import make_order

pytestmark = pytest.mark.browser


@pytest.fixture(params=[("ja-JP", 1280, "light"), ("en-US", 390, "dark")], ids=["desktop", "phone"])
def page(request: pytest.FixtureRequest, new_browser: Callable[..., Page], portal: Portal, live: str) -> Page:
    """Give a browser in which a member of staff is logged in, at a desk or with a phone."""
    locale, width, theme = request.param
    opened = new_browser(locale, width)
    opened.emulate_media(color_scheme=theme)
    enter(opened, portal, live)
    return opened


def test_find_filter_and_keep(page: Page, portal: Portal, shots: Path) -> None:
    """Every page on the way is audited and none scrolls sideways."""
    mark, look = new_id()[:13], Look(page, shots)
    orders = [make_order(portal, filename=f"売上 {mark}-{number}.csv", state="failed") for number in range(3)]
    make_order(portal, filename=f"報告 {mark}.csv")
    page.goto("/staff/orders")
    look("list")
    rows = page.locator("#found tbody tr")
    page.fill("#q", orders[1].id[9:23])
    page.keyboard.press("Enter")
    expect(rows).to_have_count(1)
    expect(rows.locator("a.code")).to_have_text(orders[1].id[:8])

    page.evaluate("window.stayed = true")
    page.fill("#q", mark)
    page.select_option("#state", "failed")
    page.click("form.filters > button")
    expect(rows).to_have_count(3)
    assert re.search(rf"q={mark}.*state=failed", page.url)
    assert page.evaluate("window.stayed"), "no reload"
    page.locator("form.filters summary").click()
    look("filtered")

    page.locator("#found details summary").click()
    page.fill("#name", "失敗")
    page.click("#found details button")
    view = page.locator("nav.lanes a", has_text="失敗")
    expect(view).to_be_visible()
    look("kept")
    page.goto("/staff/orders")
    view.click()
    expect(rows).to_have_count(3)
    page.locator("nav.lanes a").last.click()
    look("views")
    page.locator("tbody button").click()
    expect(page.locator("tbody tr")).to_have_count(0)
    assert look.found == []


def test_tick_and_save_as_csv(page: Page, portal: Portal, shots: Path) -> None:
    """The files hold what the list showed, and no formula."""
    mark, look = new_id()[:13], Look(page, shots)
    orders = [make_order(portal, filename=f"売上 {mark}-{number}.csv", state="failed") for number in range(3)]
    other = make_order(portal, filename=f"報告 {mark}.csv", email=f"=taro.{mark}@example.jp")
    page.goto(f"/staff/orders?q={mark}&state=failed")
    rows = page.locator("#found tbody tr")
    page.locator("[data-tick-all] input").check()
    expect(rows.locator("input:checked")).to_have_count(3)
    look("ticked")
    rows.nth(1).locator("input").uncheck()
    with page.expect_download() as download:
        page.locator("button[name=ticked]").click()
    assert [row[0] for row in read(download.value.path())[1:]] == [orders[2].id, orders[0].id]

    page.select_option("#state", "")
    page.click("form.filters > button")
    expect(rows).to_have_count(4)
    page.locator("#found a[href^='/staff/orders/export']").click()
    look("columns")
    with page.expect_download() as download:
        page.locator("main form button").click()
    heading, *lines = read(download.value.path())
    assert heading[0] == "OrderID"
    assert [line[0] for line in lines] == [other.id, *(order.id for order in reversed(orders))]
    assert lines[0][2] == f"'{other.email}"
    assert look.found == []


def read(path: Path) -> list[list[str]]:
    """Open a saved file as Excel does."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))
