"""The pages that the law wants, in both languages."""

import pytest
from flask.testing import FlaskClient

from app.delivery.keeping import NOTICE
from app.kit.ages import BACKUPS
from app.orders.keeping import MORE
from app.portal import Portal
from app.privacy.retention import RETENTION
from tests.checkout.shop import order_of
from tests.helpers import ROOT

TITLE = {"ja": "特定商取引法に基づく表記", "en": "Seller's details"}

LABELS = {
    "ja": [
        "販売事業者", "責任者", "所在地", "電話番号", "メールアドレス", "サポート受付時間",
        "販売価格", "商品以外の必要料金", "支払方法",
        "支払時期", "提供時期", "返品・キャンセル特約", "動作環境", "申込期限",
    ],
    "en": [
        "Seller", "Person responsible", "Address", "Telephone", "E-mail", "Support hours", "Prices",
        "Costs other than the price", "Ways to pay", "Time of payment", "Time of delivery",
        "Returns and cancellation", "What you need to use it", "Period in which you can order",
    ],
}  # fmt: skip


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_every_item_of_the_act_is_shown(portal: Portal, client: FlaskClient, lang: str) -> None:
    text = client.get(f"/legal/tokushoho?lang={lang}").text
    for label in LABELS[lang]:
        assert f"<dt>{label}</dt>" in text, label
    catalog = portal.catalog
    for told in (
        catalog.seller.name, catalog.seller.representative, catalog.seller.address, catalog.seller.hours,
        catalog.terms.refund, catalog.terms.delivery, catalog.terms.environment,
    ):  # fmt: skip
        assert told(lang) in text
    for fact in (catalog.seller.phone, catalog.seller.email):
        assert f"<dd>{fact}</dd>" in text
    for product in catalog.products:
        assert product.name(lang) in text
    for method in catalog.methods:
        assert method.name(lang) in text
    # 1,500 yen by konbini: the 120-yen minimum does not change with the handling fee itself.
    for amount in ["1,500円", "200円", "120円", "1,620円"] if lang == "ja" else ["¥1,500", "¥200", "¥120", "¥1,620"]:
        assert amount in text, amount


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_a_method_that_is_not_offered_says_for_what(client: FlaskClient, lang: str) -> None:
    text = client.get(f"/legal/tokushoho?lang={lang}").text
    assert {"ja": "クイックルックにはご利用いただけません", "en": "Not available for Quick look."}[lang] in text


@pytest.mark.parametrize(
    ("page", "lang", "words"),
    [
        # Art. 32: who, why, how to ask, what keeps it safe, where to complain; art. 28: abroad; art. 26: leaks.
        (
            "privacy",
            "ja",
            [
                "かいせき株式会社",
                "<dt>代表者</dt>",
                "<dt>住所</dt>",
                "利用目的",
                "要配慮個人情報",
                "クッキーと外部送信",
                "利用者の情報を外部の事業者に送信する仕組み",
                "委託と外国での取り扱い",
                "Stripe, Inc.",
                "米国",
                "東京リージョン",
                "安全管理",
                "外国の環境",
                "保管の期間",
                "開示、訂正、消去",
                'href="/account"',
                "手数料はかかりません",
                "苦情",
                "個人情報保護委員会",
            ],
        ),
        (
            "privacy",
            "en",
            [
                "Kaiseki Inc. (sample)",
                "<dt>Representative</dt>",
                "<dt>Address</dt>",
                "and why",
                "care-required",
                "Our pages send nothing about you to other companies",
                "data outside Japan",
                "Stripe, Inc.",
                "United States",
                "Tokyo region",
                "keep it safe",
                "Abroad",
                "How long",
                "see, correct and erase",
                'href="/account"',
                "free of charge",
                "Complaints",
                "Personal Information Protection Commission",
            ],
        ),
        ("terms", "ja", ["版: 2026-11-22", "返金", "14日以内", "日本法"]),
        ("terms", "en", ["Version: 2026-11-22", "Refunds", "within 14 days", "law of Japan"]),
    ],
)
def test_prose_is_whole_in_both_languages(client: FlaskClient, page: str, lang: str, words: list[str]) -> None:
    answer = client.get(f"/legal/{page}?lang={lang}")
    assert answer.status_code == 200
    assert f'<html lang="{lang}">' in answer.text
    for word in words:
        assert word in answer.text, word
    assert answer.text.count("<h1>") == 1


@pytest.mark.parametrize(("lang", "unit"), [("ja", "日"), ("en", " days")])
def test_the_privacy_policy_promises_what_the_retention_job_keeps(
    portal: Portal, client: FlaskClient, lang: str, unit: str
) -> None:
    """Every period on the page is the one of the table that the job follows."""
    text = client.get(f"/legal/privacy?lang={lang}").text
    for name in (
        "the customer's file", "previews and results that were never opened", "files of unpaid orders",
        "files of unpaid orders without a voucher", "login sessions", "network addresses and browsers",
        "texts of mails about orders",
    ):  # fmt: skip
        assert f"{RETENTION[name].after.days}{unit}" in text, name
    assert f"{BACKUPS.days}{unit}" in text
    for product in portal.catalog.products:
        assert f"{product.keep_days}{unit}" in text
    for days in (NOTICE.days, MORE.days):
        assert f"{days}{unit}" in text


@pytest.mark.parametrize(("lang", "words"), [("ja", "写真の撮影場所や日時"), ("en", "the place and time of a photo")])
def test_ac_u17_the_policy_says_what_is_done_about_metadata(client: FlaskClient, lang: str, words: str) -> None:
    """What a file carries besides its content stays in it, is used for nothing else, and goes with it (ASVS 14.2.8)."""
    assert words in client.get(f"/legal/privacy?lang={lang}").text
    assert "EXIF" in (ROOT / "docs" / "privacy.md").read_text()


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_the_sellers_details_are_found_from_the_top_page_and_where_one_pays(
    portal: Portal, client: FlaskClient, lang: str
) -> None:
    """Stripe wants this title, everything on one page, and a way to it from the top page and from paying.

    https://support.stripe.com/questions/how-to-create-and-display-a-commerce-disclosure-page
    """
    assert f"<h1>{TITLE[lang]}</h1>" in client.get(f"/legal/tokushoho?lang={lang}").text
    order = order_of(portal, client)
    for path in ("/", f"/orders/{order.id}/pay", f"/orders/{order.id}/pay?method=konbini"):
        page = client.get(path).text
        for legal in ("tokushoho", "terms", "privacy"):
            assert f'href="/legal/{legal}"' in page, path
