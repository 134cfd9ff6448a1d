"""Pages that the journeys do not stop at: one heading of level one, labels, contrast, both languages and themes."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from app.kit.ids import new_id
from tests.browser.conftest import audit
from tests.browser.payer import pay_by_card
from tests.browser.test_journey import choose, mail_with, order
from tests.files import taxis
from tests.helpers import Sandbox

pytestmark = pytest.mark.browser

OPEN_TO_ALL = (
    "/",
    "/?product=csv-profile",
    "/?product=quick-look",
    "/?product=photo-check",
    "/login",
    "/login/code",
    "/login/nobodys-token",
    "/legal/tokushoho",
    "/legal/privacy",
    "/legal/terms",
    "/nowhere",
    f"/orders/{new_id()}",
    f"/orders/{new_id()}/pay?t=broken",
)
LOOKS = [("ja-JP", 1280, "light"), ("en-US", 390, "dark")]


@pytest.mark.parametrize(("locale", "width", "theme"), LOOKS)
def test_pages_open_to_all(new_browser: Callable[..., Page], locale: str, width: int, theme: str) -> None:
    page = new_browser(locale, width, refusals=True)
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    found = []
    for path in OPEN_TO_ALL:
        page.goto(path)
        found += audit(page)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        found += [f"{path}: scrolls sideways by {wide} px"] if wide > 0 else []
    assert found == []


@pytest.mark.parametrize(("locale", "width", "theme"), LOOKS)
def test_pages_of_a_customer(
    new_browser: Callable[..., Page], sandbox: Sandbox, email: str, tmp_path: Path, locale: str, width: int, theme: str
) -> None:
    page = new_browser(locale, width)
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    order(page, email, taxis(tmp_path), "quick-look")
    _, link = mail_with(sandbox, email, "/orders/.*/pay")
    found = []

    # Whoever has only the link of the mail may pay, and learns how things stand; nothing opens.
    other = new_browser(locale, width)
    other.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    other.goto(link)
    choose(other, "card")
    pay_by_card(other)
    other.wait_for_url(re.compile("/return"))
    found += audit(other)
    assert other.locator("a[href*='/files/']").count() == 0

    other.goto("/login")
    other.fill("input[name=email]", email)
    other.click("main form button.button")
    other.wait_for_url(re.compile("/login/code"))
    found += audit(other)
    mail, _ = mail_with(sandbox, email, "/login/")
    code = re.search(r"^([A-Z0-9]{4}-[A-Z0-9]{4})\s*$", mail["text"], re.MULTILINE)
    assert code is not None
    other.fill("input.code-input", code[1])
    other.click("main form button.button")
    other.wait_for_url(re.compile("/history"))
    for path in ("/history", "/account"):
        other.goto(path)
        found += audit(other)
    assert found == []
