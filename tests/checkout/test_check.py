"""`portal check`: the surprise of the day before the release, on the first day."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from pydantic import SecretStr

from app import create_app
from app.portal import EXTENSION, build_portal
from app.settings import Settings
from tests.helpers import free_port


def check(app: Flask) -> tuple[int, str]:
    done = app.test_cli_runner().invoke(args=["portal", "check"])
    return done.exit_code, done.output


def test_the_demo_is_fit(app: Flask) -> None:
    code, said = check(app)
    assert code == 0, said
    for line in (
        "ok    csv-profile by card: price ¥1,500, customer pays ¥1,500, Stripe keeps ¥54 (3.6% of the price)",
        "ok    database: reached",
        "ok    object store: bucket",
        "ok    Stripe: the key works",
        "ok    refunds: STRIPE_REFUND_KEY can send money back",
        "warn  refunds: STRIPE_API_KEY can send money back too",
        "ok    mode: test with a test key",
        "warn  quick-look by konbini: price ¥200, customer pays ¥320, Stripe keeps ¥120 (60.0% of the price): not",
        "warn  legal: still as in the sample: portal.support_email, seller.name.ja, seller.name.en",
    ):
        assert line in said


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"database_url": SecretStr("postgresql+psycopg://x@127.0.0.1:1/x")}, "fail  database: can't be reached"),
        ({"s3_bucket": "no-such-bucket"}, "fail  object store: no bucket no-such-bucket"),
        ({"stripe_api_base": f"http://127.0.0.1:{free_port()}"}, "fail  Stripe: does not answer"),
        ({"stripe_api_key": SecretStr("sk_live_dummy")}, "fail  mode: a live key in test"),
        ({"stripe_refund_key": SecretStr("rk_test_revoked")}, "fail  refunds: Stripe refuses one of the keys"),
        ({"portal_env": "production"}, "fail  refunds: STRIPE_API_KEY can send money back too"),
        ({"portal_env": "production"}, "fail  legal: still as in the sample: portal.support_email"),
        ({"portal_env": "production", "mail_transport": "log"}, "fail  mail: MAIL_TRANSPORT=log sends nothing"),
    ],
)
def test_not_fit(changes: dict[str, Any], line: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    app = create_app(settings)
    app.extensions[EXTENSION].database.close()
    # The start would refuse some of these.
    app.extensions[EXTENSION] = build_portal(settings.model_copy(update=changes), {})
    code, said = check(app)
    app.extensions[EXTENSION].database.close()
    assert code == 1
    assert line in said


def test_no_tables_yet(settings: Settings, tmp_path: Path) -> None:
    app = create_app(settings.model_copy(update={"database_url": SecretStr(f"sqlite:///{tmp_path / 'empty.sqlite3'}")}))
    code, said = check(app)
    app.extensions[EXTENSION].database.close()
    assert code == 1
    assert "fail  database: tables are at None" in said
    assert "Run: alembic upgrade head" in said
