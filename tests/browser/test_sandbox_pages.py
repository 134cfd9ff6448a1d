"""The Stripe stand-in's pages in Chromium: the right way, the refused way, and axe's opinion."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import AXE
from tests.sandbox.conftest import Stripe, api

pytestmark = pytest.mark.browser
__all__ = ["api"]  # a fixture: pytest finds it by its name

SHOP = "http://127.0.0.1:9/"


PHONE, DESK = "ja light 390", "en dark 1280"
on_both = pytest.mark.parametrize("page", [PHONE, DESK], indirect=True)


@pytest.fixture
def page(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Give a phone in Japanese; `on_both` adds a desk in English."""
    locale, scheme, width = getattr(request, "param", PHONE).split()
    settings: Any = {
        "locale": locale,
        "color_scheme": scheme,
        "viewport": {"width": int(width), "height": 844},
    }
    context = chromium.new_context(**settings)
    context.route(f"{SHOP}**", lambda route: route.fulfill(body="<h1>shop</h1>"))
    yield context.new_page()
    context.close()


def _create(api: Stripe, **changes: Any) -> Any:
    changes = {"locale": "auto", "cancel_url": SHOP + "order", **changes}
    return api.create(success_url=SHOP + "return?s={CHECKOUT_SESSION_ID}", **changes)


def _card(page: Page, number: str = "4242 4242 4242 4242", expiry: str = "12 / 40", cvc: str = "123") -> None:
    for name, value in (("number", number), ("expiry", expiry), ("cvc", cvc), ("name", "TARO YAMADA")):
        page.fill(f"input[name=card_{name}]", value)
    page.get_by_test_id("submit").click()


def looks_right(page: Page) -> None:
    """One level-one heading, nothing wider than the window, nothing for axe to say."""
    assert page.locator("h1").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run().then(result => result.violations)")
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []


@on_both
def test_a_card_payer_comes_back_to_the_shop(api: Stripe, page: Page) -> None:
    session = _create(api, custom_text={"submit": {"message": "入金のあとで開きます。"}})
    page.goto(session.url)
    expect(page.get_by_text("入金のあとで開きます。")).to_be_visible()
    expect(page.locator("input[name=email]")).to_have_value("Taro@example.com")
    expect(page.locator("input[name=phone]")).to_be_hidden()
    looks_right(page)
    _card(page)
    expect(page).to_have_url(f"{SHOP}return?s={session.id}")
    assert api.sessions.retrieve(session.id).payment_status == "paid"
    page.goto(session.url)
    expect(page.get_by_test_id("submit")).to_have_count(0)
    looks_right(page)


@on_both
def test_a_refused_card_stays_on_the_page(api: Stripe, page: Page) -> None:
    session = _create(api)
    page.goto(session.url)
    for field, typed in (
        ("card_number", {"number": "4000000000000002"}),
        ("card_number", {"number": "4242424242424241"}),
        ("card_expiry", {"expiry": "01/20"}),
        ("card_cvc", {"cvc": "1"}),
    ):
        _card(page, **typed)
        expect(page.locator(".error:visible")).to_have_count(1)
        expect(page.locator(f"#{field}-error")).to_be_visible()
        expect(page.locator("[role=alert]")).to_be_visible()
        expect(page.locator("input[name=card_name]")).to_have_value("TARO YAMADA")
    assert api.sessions.retrieve(session.id).status == "open"
    looks_right(page)


@on_both
def test_a_konbini_payer_gets_a_voucher_and_pays_at_the_till(api: Stripe, page: Page) -> None:
    session = _create(api)
    page.goto(session.url)
    page.check("input[value=konbini]")
    expect(page.locator("input[name=card_number]")).to_be_hidden()
    page.fill("input[name=phone]", "00000000000")
    page.get_by_test_id("submit").click()
    expect(page.locator("#phone-error")).to_be_visible()
    expect(page.locator("#konbini_name-error")).to_be_visible()
    looks_right(page)
    page.fill("input[name=konbini_name]", "山田 太郎")
    page.fill("input[name=phone]", "090-1234-5678")
    page.get_by_test_id("submit").click()
    intent = str(api.sessions.retrieve(session.id).payment_intent)
    expect(page).to_have_url(f"{api.base}/voucher/{intent}")
    expect(page.locator("[data-store]")).to_have_count(4)
    expect(page.locator("[data-store=lawson]")).to_contain_text("09012345678")
    looks_right(page)

    page.goto(f"{api.base}/_control")
    card = page.locator(f"[data-session='{session.id}']")
    looks_right(page)
    card.get_by_test_id("redeliver").first.click()
    card.get_by_test_id("pay-at-till").click()
    expect(card.get_by_test_id("pay-at-till")).to_have_count(0)
    assert api.sessions.retrieve(session.id).payment_status == "paid"
    page.goto(f"{api.base}/voucher/{intent}")
    expect(page.locator("[data-store]")).to_have_count(0)
    looks_right(page)


def test_the_control_page_lets_vouchers_and_sessions_expire(api: Stripe, page: Page) -> None:
    voucher, fresh = api.with_voucher(), api.create()
    page.goto(f"{api.base}/_control")
    page.locator(f"[data-session='{voucher.id}']").get_by_test_id("expire-voucher").click()
    page.locator(f"[data-session='{fresh.id}']").get_by_test_id("expire-session").click()
    api.receiver.wait(voucher.id, "checkout.session.async_payment_failed")
    api.receiver.wait(fresh.id, "checkout.session.expired")
    page.goto(f"{api.base}/c/pay/{fresh.id}")
    expect(page.get_by_test_id("submit")).to_have_count(0)
    looks_right(page)


@on_both
def test_a_konbini_payer_names_a_bank_account(api: Stripe, page: Page) -> None:
    session: Any = api.with_voucher()
    api.control(f"sessions/{session.id}/pay_at_till")
    refund = api.client.v1.refunds.create({"payment_intent": session.payment_intent.id})
    page.goto(f"{api.base}/_control")
    card = page.locator(f"[data-refund='{refund.id}']")
    card.get_by_test_id("bank-details").click()
    looks_right(page)
    page.get_by_test_id("give-account").click()
    expect(page.locator(".error:visible")).to_have_count(4)
    looks_right(page)
    for name, value in (("bank_code", "1100"), ("branch_code", "000"), ("account_number", "0001234")):
        page.fill(f"input[name={name}]", value)
    page.fill("input[name=account_holder]", "ヤマダ タロウ")
    page.get_by_test_id("give-account").click()
    expect(page.get_by_test_id("give-account")).to_have_count(0)
    looks_right(page)
    assert api.client.v1.refunds.retrieve(refund.id).status == "pending"
    page.goto(f"{api.base}/_control")
    card.get_by_test_id("refund-succeeded").click()
    expect(card.locator(".state")).to_have_text("succeeded")


@on_both
def test_the_bank_asks_and_is_answered(api: Stripe, page: Page) -> None:
    session = _create(api)
    page.goto(session.url)
    _card(page, "4000 0000 0000 3220")
    expect(page.get_by_test_id("3ds-complete")).to_be_visible()
    looks_right(page)
    page.get_by_test_id("3ds-fail").click()
    expect(page).to_have_url(session.url)
    expect(page.locator("#card_number-error")).to_be_visible()
    looks_right(page)
    _card(page, "4000 0000 0000 3220")
    page.get_by_test_id("3ds-complete").click()
    expect(page).to_have_url(f"{SHOP}return?s={session.id}")
    assert api.sessions.retrieve(session.id).payment_status == "paid"


def test_a_wallet_pays_with_one_press(api: Stripe, page: Page) -> None:
    session = _create(api)
    api.control("settings", {"wallet_email": "apple-id@example.com"})
    try:
        page.goto(session.url)
        looks_right(page)
        page.get_by_test_id("wallet").click()
        expect(page).to_have_url(f"{SHOP}return?s={session.id}")
    finally:
        api.control("settings", {"wallet_email": ""})
    details: Any = api.sessions.retrieve(session.id).customer_details
    assert details.email == "apple-id@example.com"


def test_a_voucher_prints_on_one_page(api: Stripe, page: Page) -> None:
    session: Any = api.with_voucher()
    page.goto(f"{api.base}/voucher/{session.payment_intent.id}")
    assert page.pdf(format="A4").count(b"/Type /Page\n") == 1


def test_the_receipt_shows_what_was_paid_and_refunded(api: Stripe, page: Page) -> None:
    intent: Any = api.paid_by_card().payment_intent
    api.client.v1.refunds.create({"payment_intent": intent.id, "amount": 500})
    page.goto(intent.latest_charge.receipt_url)
    expect(page.locator("main")).to_contain_text("1,500円")
    expect(page.locator("main")).to_contain_text("500円")
    looks_right(page)


def test_an_unknown_page_says_so(api: Stripe, page: Page) -> None:
    for path in ("c/pay/cs_test_none", "voucher/pi_none", "receipt/ch_none"):
        answer = page.goto(f"{api.base}/{path}")
        assert answer is not None
        assert answer.status == 404
        looks_right(page)


def test_a_known_customers_address_is_locked(api: Stripe, page: Page) -> None:
    known = api.paid_by_card().customer
    session = _create(api, customer=known, customer_email=None, customer_creation=None)
    page.goto(session.url)
    expect(page.locator("input[name=email]")).to_have_attribute("readonly", "")
    expect(page.locator("input[name=email]")).to_have_value("Taro@example.com")
    _card(page)
    expect(page).to_have_url(f"{SHOP}return?s={session.id}")
    assert api.sessions.retrieve(session.id).customer == known
