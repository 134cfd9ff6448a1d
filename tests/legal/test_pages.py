"""The pages that the law wants, in both languages."""

import pytest
from flask.testing import FlaskClient

from app.portal import Portal

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
        ("privacy", "ja", ["Stripe", "米国", "安全管理", "保管の期間", "開示", "かいせき株式会社"]),
        (
            "privacy",
            "en",
            ["Stripe", "United States", "keep it safe", "How long", "erase", "Kaiseki Inc. (sample)"],
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
