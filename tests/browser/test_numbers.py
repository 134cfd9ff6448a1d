"""The page of numbers in Chromium: both languages, phone and desk, light and dark, every table open."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page

from app.kit.ids import new_id
from app.login.people import SESSION_COOKIE
from app.models import StaffMember
from app.portal import Portal
from tests.browser.conftest import audit
from tests.cast import staff_session
from tests.staff.test_numbers import give_back, sell

pytestmark = pytest.mark.browser

LOOKS = [("ja-JP", 1280, "light"), ("en-US", 390, "dark"), ("ja-JP", 390, "light")]


@pytest.mark.parametrize(("locale", "width", "theme"), LOOKS)
def test_the_page_of_numbers(
    new_browser: Callable[..., Page], portal: Portal, live: str, shots: Path, locale: str, width: int, theme: str
) -> None:
    now, email = portal.clock(), f"viewer-{new_id()[:13]}@kaiseki.example"
    for days in range(0, 28, 3):
        at = now - timedelta(days=days)
        sell(portal, at, fee=54)
        _, slip = sell(
            portal, at, "konbini", product="quick-look", price=200, handling=120, fee=120,
            voucher_expires_at=at + timedelta(days=3),
        )  # fmt: skip
        give_back(portal, slip, at, 320)
    with portal.database.transaction() as session:
        session.add(StaffMember(email=email, role="viewer", created_at=now))
        session.flush()
        secret = staff_session(portal, session, email)
    page = new_browser(locale, width)
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    page.context.add_cookies([{"name": SESSION_COOKIE, "value": secret, "url": live}])
    page.goto("/staff/numbers")
    found = audit(page)
    page.screenshot(path=shots / f"numbers-{width}-{theme}.png", full_page=True)
    for summary in page.locator("details > summary").all():
        summary.click()
    found += audit(page)
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    found += [f"scrolls sideways by {wide} px"] if wide > 0 else []
    # Every box is within its picture, and the picture within the page.
    outside = page.evaluate(
        """[...document.querySelectorAll('svg.chart')].flatMap(svg => {
             const frame = svg.getBoundingClientRect();
             return [...svg.querySelectorAll('rect, text')].map(e => [e, e.getBoundingClientRect()])
               .filter(([e, box]) => box.left < frame.left - 2 || box.right > frame.right + 2)
               .map(([e]) => e.outerHTML);
           })"""
    )
    assert found + outside == []
    assert page.locator("svg.chart rect.true.eats").count() > 0
