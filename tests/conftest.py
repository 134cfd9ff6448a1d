"""The house that tests live in: real databases, real stand-ins, real worker, real web server.

Everything below is started once a test session for each database; tests make their own orders with addresses of
their own, so nothing has to be cleaned between them.
"""

import contextvars
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr
from sqlalchemy import create_engine, text
from werkzeug.test import TestResponse

from app import create_app
from app.jobs import SCHEDULE, interval_begun
from app.kit.ids import new_id
from app.portal import EXTENSION, Portal
from app.settings import Settings
from app.worker import ROOMS_WITH_JOBS
from tests.helpers import REAL_STRIPE, ROOT, Sandbox, answers, free_port, process, python, wait_for
from tests.postgresql import postgresql

SECRET = "test-only-not-a-secret-test-only-not-a-secret"
WEBHOOK_SECRET = "whsec_test_only_not_a_secret_0000000000"
BACKENDS = ("sqlite", "postgresql")
REAL_STRIPE_PORT = 8000


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """Give a folder that other users of this machine can enter (PostgreSQL does not run as root)."""
    with tempfile.TemporaryDirectory(prefix="portal-test-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="session")
def sandbox(folder: Path) -> Iterator[Sandbox]:
    """Start the stand-ins: Stripe, mailbox, object store. Webhooks go to the endpoints that tests register."""
    ports = {name: free_port() for name in ("STRIPE", "MAILBOX", "SMTP", "S3")}
    environment = {
        "SANDBOX_DIR": str(folder / "sandbox"),
        "SANDBOX_WEBHOOK_URL": "",
        "SANDBOX_WEBHOOK_SECRET": WEBHOOK_SECRET,
        **{f"SANDBOX_{name}_PORT": str(port) for name, port in ports.items()},
    }
    started = Sandbox(
        stripe=f"http://127.0.0.1:{ports['STRIPE']}",
        mailbox=f"http://127.0.0.1:{ports['MAILBOX']}",
        s3=f"http://127.0.0.1:{ports['S3']}",
        smtp=f"smtp://127.0.0.1:{ports['SMTP']}",
        webhook_secret=WEBHOOK_SECRET,
        environment=environment,
    )
    log = folder / "sandbox.log"
    with process(*python("-m", "sandbox"), environment=environment, log=log) as child:

        def up() -> bool:
            assert child.poll() is None, log.read_text()
            return all(
                answers(address)
                for address in (
                    f"{started.stripe}/healthz",
                    f"{started.mailbox}/healthz",
                    f"{started.s3}/_ministack/health",
                )
            )

        wait_for(up, 60, "the stand-ins")
        # Two databases' worth of tests in one process are faster than a shop; tests/gateways has the limits on.
        started.control("settings", {"rate_limits": False})
        yield started


@pytest.fixture(scope="session", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """Name the database: every test that asks for it, directly or not, runs on both."""
    return str(request.param)


@pytest.fixture(scope="session")
def database_url(backend: str, folder: Path) -> Iterator[str]:
    """Give a migrated, empty database."""
    with ExitStack() as stack:
        if backend == "sqlite":
            url = f"sqlite:///{folder / 'portal.sqlite3'}"
        else:
            url = stack.enter_context(postgresql(folder))
        migrate(url)
        yield url


def migrate(url: str) -> None:
    """Bring a database from empty to the newest tables."""
    config = Config(toml_file=ROOT / "pyproject.toml")
    config.attributes["database_url"] = url
    command.upgrade(config, "head")


@pytest.fixture(scope="session")
def environment(backend: str, database_url: str, sandbox: Sandbox, live_port: int) -> dict[str, str]:
    """Give the environment of the portal's processes: all settings, nothing left to a `.env` file."""
    if REAL_STRIPE and (ROOT / ".env").exists():
        pytest.exit("REAL_STRIPE_API_KEY needs a checkout without .env, whose STRIPE_API_BASE would be used.", 2)
    return {
        "PORTAL_ENV": "test",
        "DATABASE_URL": database_url,
        "SECRET_KEY": SECRET,
        "SECRET_KEY_FALLBACKS": "",
        "PUBLIC_URL": f"http://127.0.0.1:{live_port}",
        "TRUSTED_PROXIES": "0",
        "STRIPE_API_KEY": REAL_STRIPE or "sk_test_dummy_for_the_stand_in",
        "STRIPE_REFUND_KEY": os.environ.get("REAL_STRIPE_REFUND_KEY", "")
        if REAL_STRIPE
        else "sk_test_dummy_for_refunds",
        "STRIPE_API_BASE": "" if REAL_STRIPE else sandbox.stripe,
        "STRIPE_WEBHOOK_SECRETS": os.environ["REAL_STRIPE_WEBHOOK_SECRET"] if REAL_STRIPE else WEBHOOK_SECRET,
        "S3_BUCKET": f"portal-{backend}",
        "S3_ENDPOINT_URL": sandbox.s3,
        "S3_PUBLIC_URL": "",
        "S3_EVENTS_QUEUE_URL": "",
        "AWS_REGION": "ap-northeast-1",
        "MAIL_TRANSPORT": "smtp",
        "SMTP_URL": sandbox.smtp,
        "MAIL_FROM": "no-reply@kaiseki.example",
        "CATALOG": str(ROOT / "catalog.toml"),
        "RATE_LIMIT_STORE": "memory://",
        "COMPUTE": "local",
        "CLOCK_FILE": f"{sandbox.environment['SANDBOX_DIR']}/clock",
    }


@pytest.fixture(scope="session")
def live_port(backend: str) -> int:
    """Give the port of the live web server; `stripe listen` has to know it beforehand."""
    return REAL_STRIPE_PORT if REAL_STRIPE else free_port()


@pytest.fixture(scope="session")
def settings(environment: dict[str, str]) -> Iterator[Settings]:
    """Give the settings that the processes read, in this process."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield Settings(_env_file=None)  # type: ignore[call-arg]


@pytest.fixture(scope="session")
def app(settings: Settings) -> Iterator[Flask]:
    """Build the application on the session's database; its bucket is there."""
    application = create_app(settings)
    application.config.update(TESTING=False, PROPAGATE_EXCEPTIONS=False)
    here: Portal = application.extensions[EXTENSION]
    here.storage.set_up()
    yield application
    here.database.close()


@pytest.fixture
def portal(app: Flask) -> Iterator[Portal]:
    """Give the portal inside an application context."""
    with app.app_context():
        yield app.extensions[EXTENSION]


class Browser(FlaskClient):
    """A browser whose every request is on its own, as on a server.

    Inside the `portal` fixture's application context all requests would share one `flask.g`, and with it who
    is logged in and in which language the first page was.
    """

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send a request; what streams is read at once, in the request's own context."""
        kwargs.setdefault("buffered", True)
        return contextvars.Context().run(super().open, *args, **kwargs)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Give a browser without cookies."""
    return Browser(app, app.response_class)


def put_off_schedule(portal: Portal) -> None:
    """Let the worker of the session do only what a test asks for: jobs that run by themselves wait for tomorrow.

    What mends the ledger every quarter of an hour would otherwise do so in the middle of some test.
    """
    for room in ROOMS_WITH_JOBS:
        import_module(f"app.{room}.jobs")
    now = portal.clock()
    with portal.database.transaction() as session:
        for name, interval in SCHEDULE.items():
            for ahead in range(int(timedelta(hours=3) / interval) + 2):
                begun = interval_begun(name, now + ahead * interval)
                portal.jobs.enqueue(session, name, begun, delay=timedelta(days=1))


@pytest.fixture(scope="session")
def worker(app: Flask, environment: dict[str, str], folder: Path, backend: str) -> Iterator[None]:
    """Run a real job worker on the session's database."""
    put_off_schedule(app.extensions[EXTENSION])
    log = folder / f"worker-{backend}.log"
    with process(*python("-m", "app.worker"), environment=environment, log=log) as child:

        def ready() -> bool:
            assert child.poll() is None, log.read_text()
            return log.exists() and "worker.ready" in log.read_text()

        wait_for(ready, 60, "the worker")
        yield


@pytest.fixture(scope="session")
def serving(worker: None, environment: dict[str, str], folder: Path, backend: str, live_port: int) -> Iterator[str]:
    """Run the real web server beside the worker; give its address."""
    address = f"http://127.0.0.1:{live_port}"
    log = folder / f"web-{backend}.log"
    serve = ["-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(live_port)]
    options = ["--workers", "2", "--blocking-threads", "8", "wsgi:app"]
    with process(*python(*serve, *options), environment=environment, log=log) as child:

        def up() -> bool:
            assert child.poll() is None, log.read_text()
            return answers(f"{address}/healthz")

        wait_for(up, 60, "the web server")
        yield address


@pytest.fixture
def live(serving: str, sandbox: Sandbox) -> Iterator[str]:
    """Give the running portal's address, with Stripe's webhooks arriving while the test runs.

    To other tests none come: each would settle what they are looking at, at a moment of its own.
    """
    endpoint = sandbox.control("endpoints", {"url": f"{serving}/webhooks/stripe", "secret": WEBHOOK_SECRET})
    yield serving
    sandbox.control(f"endpoints/{endpoint['id']}/delete")


@pytest.fixture(scope="session")
def four_processes(app: Flask, environment: dict[str, str], folder: Path, backend: str) -> Iterator[str]:
    """Run granian with four worker processes on the session's database; give its address.

    What must happen once is tried from all of them.
    """
    port = free_port()
    log = folder / f"web-four-{backend}.log"
    serve = ["-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    with process(
        *python(*serve, "--workers", "4", "--blocking-threads", "4", "wsgi:app"),
        environment=environment,
        log=log,
    ) as child:

        def up() -> bool:
            assert child.poll() is None, log.read_text()
            return answers(f"http://127.0.0.1:{port}/healthz")

        wait_for(up, 60, "four web processes")
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def email() -> str:
    """Give an address that no other test uses."""
    return f"taro-{new_id()[:13]}@example.jp"


@contextmanager
def new_database(backend: str, database_url: str, folder: Path) -> Iterator[str]:
    """Give a migrated, empty database that no other test's worker takes jobs from."""
    name = f"own_{os.urandom(4).hex()}"
    with ExitStack() as stack:
        if backend == "sqlite":
            url = f"sqlite:///{folder / name}.sqlite3"
        else:
            engine = create_engine(database_url, isolation_level="AUTOCOMMIT")
            stack.callback(engine.dispose)
            with engine.connect() as connection:
                connection.execute(text(f"CREATE DATABASE {name}"))
            url = f"{database_url.rpartition('/')[0]}/{name}"
        migrate(url)
        yield url


@pytest.fixture
def own_database(backend: str, database_url: str, tmp_path: Path) -> Iterator[str]:
    """Give a database of the test's own."""
    with new_database(backend, database_url, tmp_path) as url:
        yield url


@pytest.fixture
def own_house(
    settings: Settings, environment: dict[str, str], own_database: str
) -> Iterator[tuple[Portal, dict[str, str]]]:
    """Give a portal on a database and a bucket of its own, in its context, and the environment for its processes.

    A worker compares ledger and bucket by itself, so an almost empty ledger must not meet everybody's objects.
    """
    bucket = f"own-{new_id()[:13]}"
    application = create_app(settings.model_copy(update={"database_url": SecretStr(own_database), "s3_bucket": bucket}))
    with application.app_context():
        here: Portal = application.extensions[EXTENSION]
        here.storage.set_up()
        yield here, {**environment, "DATABASE_URL": own_database, "S3_BUCKET": bucket}
    here.database.close()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let no skip pass in CI, where every part of the machine must be present; only ../shared may be absent."""
    report = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = report.stats.get("skipped", []) if report is not None else []
    if os.environ.get("CI") == "true" and any("../shared" not in str(one.longrepr) for one in skipped):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
