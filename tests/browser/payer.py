"""What a payer does on Stripe's pages: by itself at the stand-in, by a person's hand at a real sandbox account.

Stripe's own page is not ours to drive, and it asks scripts for proof that they are people. So where
REAL_STRIPE_API_KEY is given (docs/stripe-stand-in.md), the browser is a visible one, and each of these waits for the
person before it.
"""

import re
from collections.abc import Callable

from playwright.sync_api import Page

from tests.browser.conftest import audit
from tests.helpers import REAL_STRIPE, Sandbox

PERSON_MS = 600_000
# At Stripe a voucher of an ordinary test address is paid by itself after three minutes.
PAID_MS = 300_000 if REAL_STRIPE else 30_000


def pay_by_card(page: Page, number: str = "4242 4242 4242 4242") -> None:
    """Fill in Stripe's page as a card payer does."""
    if REAL_STRIPE:
        _ask_a_person(page, f"pay by card {number}", re.compile("/orders/"))
        return
    page.check("input[name=method][value=card]", force=True)
    page.fill("input[name=card_number]", number)
    page.fill("input[name=card_expiry]", "12 / 34")
    page.fill("input[name=card_cvc]", "123")
    page.fill("input[name=card_name]", "TARO MIHON")
    page.click("[data-testid=submit]")


def take_voucher(page: Page) -> None:
    """Fill in Stripe's page as a konbini payer does; ends on the voucher, never at the shop."""
    if REAL_STRIPE:
        _ask_a_person(page, "take a konbini voucher", re.compile("/voucher/"))
        return
    page.check("input[name=method][value=konbini]", force=True)
    page.fill("input[name=konbini_name]", "見本 太郎")
    page.click("[data-testid=submit]")
    page.wait_for_url(re.compile("/voucher/"))
    assert audit(page) == []


def pay_at_till(new_browser: Callable[..., Page], sandbox: Sandbox, order_id: str) -> None:
    """Pay the order's voucher in cash; at Stripe it is paid by itself (PAID_MS)."""
    if REAL_STRIPE:
        return
    till = new_browser()
    till.goto(f"{sandbox.stripe}/_control")
    session = till.locator(f"[data-session]:has-text('{order_id}')")
    session.locator("[data-testid=pay-at-till]").click()


def _ask_a_person(page: Page, task: str, until: re.Pattern[str]) -> None:
    print(f"\nPlease do this in the browser window: {task}. Waiting for {PERSON_MS // 60_000} minutes.", flush=True)  # noqa: T201
    page.wait_for_url(until, timeout=PERSON_MS)
