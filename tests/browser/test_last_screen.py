"""AC-T01: the last screen before Stripe, in Chromium: six points of art. 12-6, and Stripe's page in the same words."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from app.kit.clock import JST
from app.models import Order
from app.portal import Portal
from tests.browser.conftest import audit
from tests.checkout.shop import order_of

pytestmark = pytest.mark.browser

NAMES = {
    "ja": (
        "ご注文の内容と数量", "お支払い総額", "お支払いの方法と時期",
        "提供時期", "お申し込みの期間", "キャンセル・返金",
    ),
    "en": (
        "What you order", "Total price", "How and when you pay", "Delivery", "Order by", "Cancellation and refunds",
    ),
}  # fmt: skip
TOTALS = {
    ("ja", "card"): "1,500円",
    ("ja", "konbini"): "1,620円",
    ("en", "card"): "¥1,500",
    ("en", "konbini"): "¥1,620",
}


def last_screen(page: Page, client: FlaskClient, order: Order, method: str) -> dict[str, str]:
    """Open the last screen in the browser that ordered; give its points as a person sees them."""
    claim = client.get_cookie("claim", domain="127.0.0.1")
    assert claim is not None
    page.context.add_cookies([{"name": "claim", "value": claim.value, "domain": "127.0.0.1", "path": "/"}])
    page.goto(f"/orders/{order.id}/pay?method={method}")
    for point in page.locator("main dl.facts > *").all():
        expect(point).to_be_visible()
    texts = page.locator("main dl.facts > *").all_inner_texts()
    return dict(zip(texts[::2], texts[1::2], strict=True))


@pytest.mark.parametrize("method", ["card", "konbini"])
@pytest.mark.parametrize("lang", ["ja", "en"])
def test_ac_t01_the_last_screen_and_stripes_page_say_the_same(
    lang: str, method: str, portal: Portal, client: FlaskClient, new_browser: Callable[..., Page]
) -> None:
    """Quantity, price, payment, delivery, period and cancellation, worked out of the order; Stripe's page agrees."""
    order = order_of(portal, client, filename="売上 2026.csv", locale=lang)
    page = new_browser(locale={"ja": "ja-JP", "en": "en-US"}[lang], width=390, height=844)
    points = last_screen(page, client, order, method)
    assert tuple(points) == NAMES[lang]
    quantity, price, payment, delivery, period, cancellation = points.values()
    product, terms = portal.catalog.product(order.product), portal.catalog.terms
    assert product is not None
    assert product.name(lang) in quantity
    assert "売上 2026.csv" in quantity
    assert "1" in quantity.replace(order.filename, "")
    assert TOTALS[lang, method] in price
    if method == "konbini":
        day = portal.clock().astimezone(JST) + timedelta(days=3)
        assert (
            f"{day.year}年{day.month}月{day.day}日" if lang == "ja" else f"{day:%a} {day.day} {day:%b %Y}"
        ) in payment
        assert "23:59" in payment
    assert delivery == terms.delivery(lang)
    last = order.created_at.astimezone(JST) + timedelta(days=30)
    assert {"ja": f"{last.month}月{last.day}日", "en": f"{last.day} {last:%b %Y}"}[lang] in period
    assert cancellation.startswith(terms.refund(lang))
    assert audit(page) == []
    button = page.locator("main form[method=post] button.button")
    expect(button).to_contain_text(TOTALS[lang, method])
    button.click()
    page.wait_for_url(re.compile("/c/pay/"))
    made = portal.stripe.retrieve_session(page.url.rsplit("/", 1)[-1])
    told = made["custom_text"]["submit"]["message"]
    assert delivery in told
    assert cancellation in told
    assert (made["locale"], made["amount_total"]) == (lang, {"card": 1500, "konbini": 1620}[method])
    assert made["payment_method_types"] == [method]
    expect(page.locator("body")).to_contain_text(told)
