"""A bad or unknown setting stops the start with a clear line."""

from pathlib import Path

import pytest

from app.settings import BadSettingsError, Settings, load_settings
from app.startup import must_be_fit
from tests.helpers import ROOT

GOOD = {
    "PORTAL_ENV": "test",
    "DATABASE_URL": "sqlite:///x.sqlite3",
    "SECRET_KEY": "k" * 32,
    "PUBLIC_URL": "http://127.0.0.1:8000",
    "STRIPE_API_KEY": "sk_test_dummy",
    "STRIPE_WEBHOOK_SECRETS": "whsec_" + "0" * 32,
    "S3_BUCKET": "bucket",
    "MAIL_TRANSPORT": "log",
    "MAIL_FROM": "no-reply@kaiseki.example",
}


def start() -> Settings:
    """Read the settings and look at them, as the portal does before anything else."""
    settings = load_settings()
    must_be_fit(settings)
    return settings


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    monkeypatch.chdir(tmp_path)
    for line in (ROOT / ".env.example").read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            monkeypatch.delenv(line.partition("=")[0], raising=False)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_good_settings_are_read(env: pytest.MonkeyPatch) -> None:
    env.setenv("SECRET_KEY_FALLBACKS", "o" * 32 + "," + "p" * 32)
    settings = start()
    assert settings.keys == ["o" * 32, "p" * 32, "k" * 32]
    assert not settings.live
    assert not settings.secure


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("PORTAL_ENV", "prod", "PORTAL_ENV"),
        ("SECRET_KEY", "short", "at least 32"),
        ("SECRET_KEY_FALLBACKS", "short", "at least 32"),
        ("PUBLIC_URL", "portal.example.jp", "PUBLIC_URL"),
        ("STRIPE_API_KEY", "pk_test_public", "sk_ or rk_"),
        ("STRIPE_WEBHOOK_SECRETS", "   ", "whsec_"),
        ("STRIPE_WEBHOOK_SECRETS", "whsec_short", "32 characters"),
        ("STRIPE_WEBHOOK_SECRETS", "whsec_" + "0" * 32 + ",", "whsec_"),
        ("TRUSTED_PROXIES", "many", "TRUSTED_PROXIES"),
        ("MAIL_TRANSPORT", "pigeon", "MAIL_TRANSPORT"),
        ("MAIL_TRANSPORT", "smtp", "SMTP_URL"),
        ("COMPUTE", "fargate", "ECS_CLUSTER"),
        ("DATABASE_URL", "portal", "postgresql+psycopg"),
        ("RATE_LIMIT_STORE", "redis://127.0.0.1", "RATE_LIMIT_STORE"),
        ("WEB_WORKERS", "0", "WEB_WORKERS"),
    ],
)
def test_a_bad_value_stops_the_start(env: pytest.MonkeyPatch, name: str, value: str, says: str) -> None:
    env.setenv(name, value)
    with pytest.raises(BadSettingsError) as caught:
        start()
    assert says in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_a_missing_value_is_named(env: pytest.MonkeyPatch) -> None:
    env.delenv("STRIPE_WEBHOOK_SECRETS")
    with pytest.raises(BadSettingsError, match="STRIPE_WEBHOOK_SECRETS"):
        start()


def test_the_value_of_a_bad_secret_is_not_shown(env: pytest.MonkeyPatch) -> None:
    env.setenv("STRIPE_API_KEY", "wrong-canary-value")
    with pytest.raises(BadSettingsError) as caught:
        start()
    assert "canary" not in str(caught.value)


def test_an_unknown_name_in_the_file_stops_the_start(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("STRIPE_API_KEYS=typo\n")
    with pytest.raises(BadSettingsError, match="STRIPE_API_KEYS"):
        load_settings()


def test_the_example_file_is_complete_and_good(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in GOOD:
        env.delenv(name)
    example = (ROOT / ".env.example").read_text()
    (tmp_path / ".env").write_text(example)
    settings = start()
    assert settings.portal_env == "demo"
    listed = {line.partition("=")[0].lower() for line in example.splitlines() if line and line[0] != "#"}
    assert listed == set(type(settings).model_fields)
