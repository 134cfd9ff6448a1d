"""The whole portal in test mode on loopback: stand-ins, PostgreSQL, web server; people and orders to look at.

Test mode has no limits on how often a network address may ask, which the scanners would soon reach.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app import create_app
from app.portal import EXTENSION, Portal
from app.settings import load_settings
from tests.cast import Cast, deliver, make_cast
from tests.conftest import migrate
from tests.helpers import ROOT, answers, free_port, process, python, wait_for
from tests.postgresql import postgresql

WEBHOOK_SECRET = "whsec_scan_only_not_a_secret_0000000000"  # noqa: S105  (a dummy)


@dataclass(frozen=True)
class House:
    """Where the portal is, and who is in it. `log`: what its web server wrote."""

    address: str
    cast: Cast
    log: Path


@contextmanager
def house(folder: Path) -> Iterator[House]:
    """Start everything in a folder of its own; stop it at the end."""
    ports = {name: free_port() for name in ("STRIPE", "MAILBOX", "SMTP", "S3", "WEB")}
    at = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    sandbox = {
        "SANDBOX_DIR": str(folder / "sandbox"),
        "SANDBOX_WEBHOOK_URL": f"{at['WEB']}/webhooks/stripe",
        "SANDBOX_WEBHOOK_SECRET": WEBHOOK_SECRET,
        **{f"SANDBOX_{name}_PORT": str(ports[name]) for name in ("STRIPE", "MAILBOX", "SMTP", "S3")},
    }
    log = folder / "web.log"
    serve = ["-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(ports["WEB"])]
    with (
        postgresql(folder) as database,
        process(*python("-m", "sandbox"), environment=sandbox, log=folder / "sandbox.log"),
    ):
        for name, path in (("STRIPE", "healthz"), ("MAILBOX", "healthz"), ("S3", "_ministack/health")):
            wait_for(lambda url=f"{at[name]}/{path}": answers(url), 60, name)  # type: ignore[misc]
        settings = _settings(folder, database, at, ports)
        migrate(database)
        cast = _people(settings)
        options = ["--workers", "2", "--blocking-threads", "8", "wsgi:app"]
        with process(*python(*serve, *options), environment=settings, log=log):
            wait_for(lambda: answers(f"{at['WEB']}/healthz"), 60, "the web server")
            yield House(at["WEB"], cast, log)


def _settings(folder: Path, database: str, at: Mapping[str, str], ports: Mapping[str, int]) -> dict[str, str]:
    return {
        "PORTAL_ENV": "test",
        "DATABASE_URL": database,
        "SECRET_KEY": "scan-only-not-a-secret-scan-only-not-a-secret",
        "SECRET_KEY_FALLBACKS": "",
        "PUBLIC_URL": at["WEB"],
        "TRUSTED_PROXIES": "0",
        "STRIPE_API_KEY": "sk_test_dummy_for_the_stand_in",
        "STRIPE_REFUND_KEY": "sk_test_dummy_for_refunds",
        "STRIPE_API_BASE": at["STRIPE"],
        "STRIPE_WEBHOOK_SECRETS": WEBHOOK_SECRET,
        "S3_BUCKET": "scan",
        "S3_ENDPOINT_URL": at["S3"],
        "S3_PUBLIC_URL": "",
        "S3_EVENTS_QUEUE_URL": "",
        "MAIL_TRANSPORT": "smtp",
        "SMTP_URL": f"smtp://127.0.0.1:{ports['SMTP']}",
        "MAIL_FROM": "no-reply@kaiseki.example",
        "CATALOG": str(ROOT / "catalog.toml"),
        "RATE_LIMIT_STORE": "memory://",
        "COMPUTE": "local",
        "CLOCK_FILE": str(folder / "sandbox" / "clock"),
    }


def _people(settings: Mapping[str, str]) -> Cast:
    """Store people, orders and files."""
    os.environ.update(settings)
    application = create_app(load_settings(_env_file=None))
    here: Portal = application.extensions[EXTENSION]
    here.storage.set_up()
    with application.app_context():
        cast = make_cast(here)
        deliver(here, cast)
    here.database.engine.dispose()
    return cast
