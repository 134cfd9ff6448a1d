"""`portal check` names what the legal pages lack."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from app import create_app
from app.portal import EXTENSION, build_portal
from app.settings import Settings
from tests.helpers import ROOT

REAL = {
    'support_email = "support@kaiseki.example"': 'support_email = "help@kaiseki.jp"',
    "かいせき株式会社（見本）": "かいせき株式会社",
    " (sample)": "",
    "見本 太郎": "山田 太郎",
    "Taro Mihon": "Taro Yamada",
    "〒100-0000 東京都千代田区見本町1-2-3": "〒100-0001 東京都千代田区千代田1-2-3",
    "1-2-3 Mihon-cho, Chiyoda-ku, Tokyo 100-0000": "1-2-3 Chiyoda, Chiyoda-ku, Tokyo 100-0001",
    "03-0000-0000": "03-1234-5678",
    'email = "support@kaiseki.example"': 'email = "help@kaiseki.jp"',
}


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({}, ["ok    legal: all details"]),
        ({'phone = "03-1234-5678"': 'phone = ""'}, ["fail  legal: missing in", "seller.phone"]),
        ({"平日 10:00": "見本 10:00"}, ["fail  legal: still as in the sample: seller.hours.ja"]),
        ({"結果に誤り": "（sample）結果に誤り"}, ["fail  legal: still as in the sample: terms.refund.ja"]),
        ({"03-1234-5678": "090-1234-5678"}, ["ok    legal: all details", "warn  legal: seller.phone is no land-line"]),
        (
            {"[payments]\n": '[[earlier_terms]]\nversion = "2025"\n' + "\n".join(
                f'{name} = {{ ja = "あ", en = "a" }}' for name in ("refund", "delivery", "environment")
            ) + "\n[payments]\n"},
            ["fail  terms: version 2025 has no page legal/terms-2025.ja.html, legal/terms-2025.en.html"],
        ),
    ],
)  # fmt: skip
def test_what_the_legal_pages_lack_is_named(
    changes: dict[str, str], lines: list[str], settings: Settings, tmp_path: Path
) -> None:
    """With a live key whatever is missing or the sample's own is a failure, by its name in the catalog."""
    text = (ROOT / "catalog.toml").read_text(encoding="utf-8")
    for old, new in {**REAL, **changes}.items():
        assert old in text, old
        text = text.replace(old, new)
    own = tmp_path / "catalog.toml"
    own.write_text(text, encoding="utf-8")
    app = create_app(settings)
    app.extensions[EXTENSION].database.close()
    live = {"catalog": own, "stripe_api_key": SecretStr("sk_live_dummy")}
    app.extensions[EXTENSION] = build_portal(
        settings.model_copy(update=live), {}
    )  # in test the start refuses a live key
    said = app.test_cli_runner().invoke(args=["portal", "check"]).output
    app.extensions[EXTENSION].database.close()
    for line in lines:
        assert line in said
