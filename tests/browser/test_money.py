"""What money looks like in a real browser: the voucher on paper, and the page that waits for the payment."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from app.kit.ids import digest, new_secret
from app.models import Order
from app.portal import Portal
from tests.browser.conftest import audit
from tests.checkout.shop import session_for
from tests.helpers import Sandbox, make_order, make_payment
from tests.mail.test_letters import VOUCHER

pytestmark = pytest.mark.browser
LOOKS = [("ja-JP", 390), ("en-US", 1280)]


def order_for(portal: Portal, page: Page) -> Order:
    """Store an analysed order that this browser made."""
    claim = new_secret()
    page.context.add_cookies([{"name": "claim", "value": claim, "domain": "127.0.0.1", "path": "/"}])
    return make_order(portal, claim_hash=digest(claim), state="analysed", analysed_at=portal.clock())


@pytest.mark.parametrize(("locale", "width"), LOOKS)
def test_the_voucher_prints_on_one_page(
    portal: Portal, new_browser: Callable[..., Page], locale: str, width: int
) -> None:
    page = new_browser(locale, width)
    order = order_for(portal, page)
    end = portal.clock() + timedelta(days=2)
    voucher = {"voucher": VOUCHER, "voucher_expires_at": end}
    make_payment(portal, order, method="konbini", amount=1620, handling=120, state="awaiting", **voucher)
    page.goto(f"/orders/{order.id}")
    expect(page.locator(".store")).to_have_count(4)
    assert audit(page) == []
    sheets = re.findall(rb"/Type\s*/Page[^s]", page.pdf(prefer_css_page_size=True))
    assert len(sheets) == 1


@pytest.mark.parametrize(("locale", "width"), LOOKS)
def test_the_return_page_goes_on_by_itself(
    portal: Portal, new_browser: Callable[..., Page], sandbox: Sandbox, locale: str, width: int
) -> None:
    """No webhook comes; the page asks until Stripe says that the money is there."""
    page = new_browser(locale, width)
    order = order_for(portal, page)
    _, session_id = session_for(portal, order)
    page.goto(f"/orders/{order.id}/return?session_id={session_id}")
    expect(page.locator("#confirming")).to_be_visible()
    assert audit(page) == []
    sandbox.control("settings", {"webhooks_paused": True})
    try:
        sandbox.control(f"sessions/{session_id}/pay_card")
        page.wait_for_url(f"**/orders/{order.id}")
    finally:
        sandbox.control("settings", {"webhooks_paused": False})
