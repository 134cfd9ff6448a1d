"""Uploads that are large, and lines that are bad: parts side by side, pause, another day, no network, faults."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, Route, expect

from app.models import Order
from app.portal import EXTENSION, Portal
from tests.browser.conftest import audit
from tests.browser.gate import PART, SEND, Gate, big_file, fill
from tests.browser.test_journey import ORDER
from tests.helpers import Sandbox
from tests.intake.test_checksum import composite_of

# What is tested does not depend on the database.
pytestmark = [pytest.mark.browser, pytest.mark.parametrize("backend", ["sqlite"], indirect=True, scope="session")]
SENDING = "[data-part=text]"


def check_arrived(page: Page, app: Flask, path: Path) -> None:
    """Wait until the order's page asks for no file; its file is the one on the disk, and was declared as such."""
    page.wait_for_url(ORDER, timeout=60_000)
    expect(page.locator("[data-upload]")).to_have_count(0, timeout=60_000)
    found = ORDER.search(page.url)
    assert found is not None
    here: Portal = app.extensions[EXTENSION]
    with here.database.transaction() as session:
        order = session.get_one(Order, found[1])
    assert order.state != "waiting"
    frozen, file = hashlib.sha256(), hashlib.sha256(path.read_bytes())
    for piece in here.storage.stream(f"orders/{order.id}.kaiseki"):
        frozen.update(piece)
    assert frozen.digest() == file.digest()
    assert order.declared_sha256 == composite_of(path.read_bytes(), PART)


def test_four_parts_travel_side_by_side(
    new_browser: Callable[..., Page], sandbox: Sandbox, app: Flask, email: str, tmp_path: Path
) -> None:
    page = new_browser()
    gate = Gate(page.context, sandbox.s3)
    path = big_file(tmp_path, 6)
    fill(page, email, path)
    page.click(SEND)
    gate.wait_until_held(page, 4)
    expect(page.locator(SENDING)).to_contain_text("接続が遅い", timeout=15_000)  # nothing moves, and that is said
    assert len({number for number, _ in gate.held}) == len(gate.held) == 4  # and not one more in all that time
    assert audit(page) == []
    gate.open()
    check_arrived(page, app, path)
    assert gate.passed == dict.fromkeys(range(1, 7), 1)


def test_pause_and_go_on_with_the_keyboard(
    new_browser: Callable[..., Page], sandbox: Sandbox, app: Flask, email: str, tmp_path: Path
) -> None:
    page = new_browser("en-US")
    gate = Gate(page.context, sandbox.s3, through=2)
    path = big_file(tmp_path, 6)
    fill(page, email, path)
    page.locator(SEND).focus()
    page.keyboard.press("Enter")
    gate.wait_until_held(page, 4)
    expect(page.locator(SENDING)).to_contain_text(re.compile("3[0-9]% sent|slow"))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.dataset.part") == "pause"
    page.keyboard.press("Enter")
    expect(page.locator(SENDING)).to_contain_text("Paused")
    expect(page.locator("[data-part=spoken]")).to_contain_text("Paused")
    assert page.evaluate("document.activeElement.dataset.part") == "resume"
    assert audit(page) == []
    gate.forget_held()
    gate.open()
    page.keyboard.press("Enter")
    check_arrived(page, app, path)
    assert gate.passed == dict.fromkeys(range(1, 7), 1)


def test_another_day_the_rest_is_sent(
    new_browser: Callable[..., Page], sandbox: Sandbox, app: Flask, email: str, tmp_path: Path
) -> None:
    page = new_browser()
    gate = Gate(page.context, sandbox.s3, through=3)
    path = big_file(tmp_path, 6)
    fill(page, email, path)
    page.click(SEND)
    gate.wait_until_held(page, 3)
    there = set(gate.passed)
    page.close()
    gate.forget_held()
    gate.open()

    other = page.context.new_page()
    other.goto("/?product=csv-profile")
    expect(other.locator("[data-part=unfinished]")).to_contain_text("計測.csv")
    expect(other.locator("[data-part=unfinished]")).to_contain_text("%")
    assert audit(other) == []
    other.click("[data-part=unfinished-link]")
    assert audit(other) == []

    asked: list[str] = []
    other.on("request", lambda request: asked.append(request.url) if request.method != "GET" else None)
    for name, parts in (("計測.csv", 5), ("別の計測.csv", 6)):
        wrong = big_file(tmp_path / "other", parts, name)
        other.set_input_files("#file", str(wrong))
        other.click(SEND)
        expect(other.locator("#file-error")).to_contain_text(re.compile("計測.csv|変更"))
    assert [url for url in asked if url.startswith(sandbox.s3)] == []

    other.set_input_files("#file", str(path))
    other.click(SEND)
    check_arrived(other, app, path)
    assert len(there) == 3
    assert [gate.passed[number] for number in there] == [1, 1, 1]
    other.goto("/?product=csv-profile")
    assert other.evaluate("Object.keys(localStorage)") == []


def test_a_file_that_changed_since_is_not_mixed_with_what_arrived(
    new_browser: Callable[..., Page], sandbox: Sandbox, email: str, tmp_path: Path
) -> None:
    page = new_browser("en-US")
    gate = Gate(page.context, sandbox.s3, through=1)
    path = big_file(tmp_path, 5)
    fill(page, email, path)
    page.click(SEND)
    gate.wait_until_held(page, 4)
    address = page.evaluate("JSON.parse(Object.values(localStorage)[0]).order_url")
    page.close()
    big_file(tmp_path, 5, mark=b"PART")
    other = page.context.new_page()
    other.goto(address)
    other.set_input_files("#file", str(path))
    expect(other.locator("#file-error")).to_contain_text("was changed")

    other.evaluate("localStorage.clear()")  # as in another browser: then the portal knows it by its name
    other.set_input_files("#file", str(big_file(tmp_path, 5, "another.csv")))
    other.click(SEND)
    expect(other.locator("#file-error")).to_be_visible()
    assert sum(gate.passed.values()) == 1


def test_without_a_network_it_waits_and_goes_on_by_itself(
    new_browser: Callable[..., Page], sandbox: Sandbox, app: Flask, email: str, tmp_path: Path
) -> None:
    page = new_browser(refusals=True)
    gate = Gate(page.context, sandbox.s3, through=2)
    path = big_file(tmp_path, 6)
    fill(page, email, path)
    page.click(SEND)
    gate.wait_until_held(page, 4)
    there = set(gate.passed)
    page.context.set_offline(True)
    gate.open()  # what was under way is lost
    expect(page.locator(SENDING)).to_contain_text("インターネットに接続していません", timeout=15_000)
    page.context.set_offline(False)
    check_arrived(page, app, path)
    assert [gate.passed[number] for number in there] == [1, 1]


@pytest.mark.parametrize("status", [500, 503, 429, 403, 0], ids=["500", "SlowDown", "429", "403", "reset"])
def test_a_part_that_fails_is_sent_again(
    new_browser: Callable[..., Page], sandbox: Sandbox, app: Flask, email: str, tmp_path: Path, status: int
) -> None:
    page = new_browser(refusals=True)
    failed: list[str] = []

    def fail_once(route: Route) -> None:
        if failed:
            route.fallback()
            return
        failed.append(route.request.url)
        if status:
            route.fulfill(status=status, headers={"Access-Control-Allow-Origin": "*"}, body="<Error/>")
        else:
            route.abort("connectionreset")

    page.context.route(lambda url: "partNumber=2" in url, fail_once)
    path = big_file(tmp_path, 3)
    fill(page, email, path)
    page.click(SEND)
    check_arrived(page, app, path)
    assert len(failed) == 1
