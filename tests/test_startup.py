"""What production refuses to start with: each a clear line, all at once (AC-H12, H13)."""

import os
import secrets
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from app.catalog import load_catalog
from app.settings import BadSettingsError, Settings
from app.startup import must_be_fit, must_have_refund_key, must_have_tasks, problems
from tests.helpers import ROOT, python

FIT: dict[str, Any] = {
    "portal_env": "production",
    "database_url": "postgresql+psycopg://portal:hunter@db.internal/portal",
    "secret_key": secrets.token_hex(32),
    "public_url": "https://portal.kaiseki.co.jp",
    "trusted_proxies": 1,
    "stripe_api_key": f"rk_live_{secrets.token_hex(24)}",
    "stripe_refund_key": f"rk_live_{secrets.token_hex(24)}",
    "stripe_webhook_secrets": f"whsec_{secrets.token_hex(16)}",
    "s3_bucket": "kaiseki",
    "mail_transport": "ses",
    "mail_from": "no-reply@kaiseki.co.jp",
    "web_workers": 4,
    "machines": 2,
}
WRONG = [
    ({"public_url": "http://portal.kaiseki.co.jp"}, "PUBLIC_URL: must be https"),
    ({"public_url": "https://127.0.0.1:8000"}, "PUBLIC_URL: is this machine's own"),
    ({"secret_key": "short"}, "SECRET_KEY: it and each"),
    ({"secret_key": "demo-only-not-a-secret-demo-only-not-a-secret"}, "SECRET_KEY: it or one of"),
    ({"secret_key": "k" * 40}, "SECRET_KEY: it or one of"),
    ({"secret_key": "0123456789abcdef" * 3}, "SECRET_KEY: it or one of"),
    ({"secret_key_fallbacks": "changeme-" + secrets.token_hex(16)}, "SECRET_KEY: it or one of"),
    ({"secret_key_fallbacks": "short"}, "SECRET_KEY: it and each"),
    ({"stripe_api_key": "sk_test_" + "4" * 24}, "STRIPE_API_KEY: a test key"),
    ({"stripe_api_key": "pk_live_" + "4" * 24}, "STRIPE_API_KEY: needs a Stripe secret"),
    ({"stripe_refund_key": "pk_live_" + "4" * 24}, "STRIPE_REFUND_KEY: needs a Stripe restricted key"),
    ({"stripe_refund_key": "rk_test_" + "4" * 24}, "STRIPE_REFUND_KEY: needs a Stripe restricted key"),
    ({"stripe_refund_key": FIT["stripe_api_key"]}, "STRIPE_REFUND_KEY: is STRIPE_API_KEY"),
    ({"stripe_webhook_secrets": None}, "STRIPE_WEBHOOK_SECRETS: needs one or more"),
    ({"stripe_webhook_secrets": ""}, "STRIPE_WEBHOOK_SECRETS: needs one or more"),
    ({"stripe_webhook_secrets": "whsec_demo_0000000000000000000000000000"}, "STRIPE_WEBHOOK_SECRETS: one of them"),
    ({"stripe_api_base": "http://127.0.0.1:4242"}, "STRIPE_API_BASE: must be empty"),
    ({"s3_endpoint_url": "http://127.0.0.1:9000"}, "S3_ENDPOINT_URL: is the demo's"),
    ({"s3_endpoint_url": "http://localhost:9000"}, "S3_ENDPOINT_URL: is the demo's"),
    ({"s3_public_url": "http://files.kaiseki.co.jp"}, "S3_PUBLIC_URL: browsers must reach"),
    ({"mail_transport": "smtp", "smtp_url": "smtp://127.0.0.1:1025"}, "SMTP_URL: is the demo's mailbox"),
    ({"mail_transport": "smtp"}, "SMTP_URL: MAIL_TRANSPORT=smtp needs it"),
    ({"mail_from": "Kaiseki <no-reply@kaiseki.example>"}, "MAIL_FROM: is the sample's"),
    ({"clock_file": "var/clock"}, "CLOCK_FILE: moves the portal's clock"),
    ({"failpoint": "a:raise"}, "FAILPOINT: it makes the portal fail"),
    ({"rate_limit_store": "memory://"}, "RATE_LIMIT_STORE: memory:// is counted by each"),
    ({"database_url": "sqlite:///var/portal.sqlite3"}, "DATABASE_URL: SQLite is for one machine"),
    ({"compute": "fargate"}, "ECS_CLUSTER: COMPUTE=fargate needs it"),
    ({"compute": "fargate"}, "ECS_SUBNETS: COMPUTE=fargate needs one"),
    ({"compute": "fargate"}, "ECS_SECURITY_GROUPS: COMPUTE=fargate needs one"),
    ({"ecs_endpoint_url": "http://127.0.0.1:4566"}, "ECS_ENDPOINT_URL: must be empty"),
]


def settings(**changes: Any) -> Settings:
    values = {name: value for name, value in {**FIT, **changes}.items() if value is not None}
    return Settings.model_validate(values)


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)  # no .env
    for name in (*Settings.model_fields, "flask_debug"):
        monkeypatch.delenv(name.upper(), raising=False)


def test_ac_h13_a_good_production_starts() -> None:
    """A real configuration is refused nothing; SQLite, and counts in memory, are fine for one process."""
    assert problems(settings()) == []
    one = {"web_workers": 1, "machines": 1, "rate_limit_store": "memory://"}
    assert problems(settings(database_url="sqlite:///var/portal.sqlite3", **one)) == []
    assert problems(settings(mail_transport="smtp", smtp_url="smtp://127.0.0.1:25")) == []  # a relay of one's own


@pytest.mark.parametrize(("changes", "line"), WRONG)
def test_ac_h13_what_is_only_good_for_a_demo_is_refused(changes: dict[str, Any], line: str) -> None:
    """Each thing that would be unsafe in production stops the start, named with what to do."""
    with pytest.raises(BadSettingsError) as caught:
        must_be_fit(settings(**changes))
    assert f"  {line}" in str(caught.value)


def test_ac_s09_the_worker_needs_the_key_of_refunds_and_a_web_server_does_not(tmp_path: Path) -> None:
    """In production nothing else sends money back, so a worker without this key ends at once."""
    without = settings(stripe_refund_key=None)
    assert problems(without) == []
    done = run(tmp_path, *python("-m", "app.worker"), STRIPE_REFUND_KEY="")
    assert done.returncode == 1
    assert "The worker can't start: STRIPE_REFUND_KEY is missing" in done.stderr
    must_have_refund_key(settings())
    must_have_refund_key(without.model_copy(update={"portal_env": "demo"}))


def test_ac_h13_everything_is_told_at_once_and_no_secret_is_shown() -> None:
    """The demo's own file with PORTAL_ENV=production names all that must change, without showing a secret."""
    example = dict(
        line.split("=", 1) for line in (ROOT / ".env.example").read_text().splitlines() if line and line[0] != "#"
    )
    demo = Settings.model_validate({k.lower(): v for k, v in example.items() if v})
    told = "\n".join(problems(demo.model_copy(update={"portal_env": "production"})))
    for name in (
        *("PUBLIC_URL", "SECRET_KEY", "STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRETS", "STRIPE_API_BASE"),
        *("S3_ENDPOINT_URL", "S3_PUBLIC_URL", "SMTP_URL", "MAIL_FROM", "CLOCK_FILE"),
    ):
        assert f"{name}: " in told, told
    for secret in (demo.secret_key, demo.stripe_api_key, demo.stripe_webhook_secrets):
        assert secret.get_secret_value() not in told


def test_ac_h13_a_live_key_in_the_demo_is_refused() -> None:
    """The demo must not take real money."""
    live = settings().model_copy(update={"portal_env": "demo", "stripe_api_key": SecretStr("sk_live_" + "a" * 24)})
    assert "STRIPE_API_KEY: a live key in the demo would take real money; use a test key" in problems(live)


def test_fargate_needs_a_task_for_every_product() -> None:
    """What can't run is not sold: the start names the products without a task definition."""
    network = {"ecs_cluster": "kaiseki", "ecs_subnets": "subnet-1, subnet-2", "ecs_security_groups": "sg-1"}
    fargate = settings(compute="fargate", **network)
    assert problems(fargate) == []
    assert fargate.ecs_subnets == ["subnet-1", "subnet-2"]
    catalog = load_catalog(ROOT / "catalog.toml")
    with pytest.raises(BadSettingsError, match="has none for csv-profile"):
        must_have_tasks(fargate, catalog)
    with_tasks = [product.model_copy(update={"task": "kaiseki"}) for product in catalog.products]
    must_have_tasks(fargate, catalog.model_copy(update={"products": with_tasks}))
    must_have_tasks(settings(), catalog)


def run(tmp_path: Path, *command: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run a program in production, in a folder without .env."""
    values = {name.upper(): str(value) for name, value in FIT.items()}
    values |= {"CATALOG": str(ROOT / "catalog.toml"), "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": ""}
    known = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
    environment = {**known, **values, **changes}
    return subprocess.run(
        command, check=False, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )


def test_ac_h12_debug_and_the_development_server_are_refused(tmp_path: Path) -> None:
    """FLASK_DEBUG, `flask --debug` and `flask run` end at once in production; other commands work."""
    flask = python("-m", "flask", "--app", "wsgi")
    for command, changes, says in (
        ([*flask, "routes"], {"FLASK_DEBUG": "1"}, "FLASK_DEBUG: debug pages show secrets"),
        ([*flask, "--debug", "routes"], {}, "FLASK_DEBUG: debug pages show secrets"),
        ([*flask, "run", "--port", "1"], {}, "flask run: is for development"),
        (python("-c", "import wsgi"), {"FLASK_DEBUG": "true"}, "FLASK_DEBUG: debug pages show secrets"),
    ):
        done = run(tmp_path, *command, **changes)
        assert done.returncode != 0
        assert says in done.stderr + done.stdout
        assert "Traceback" not in done.stderr, done.stderr
    done = run(tmp_path, *flask, "routes")
    assert done.returncode == 0, done.stderr
    assert "console" not in done.stdout
    for name in ("WEB_WORKERS", "RATE_LIMIT_STORE", "DATABASE_URL"):
        assert name not in done.stdout + done.stderr
