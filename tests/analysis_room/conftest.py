"""A portal that sells the test program in all its moods."""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from pydantic import SecretStr

from app import create_app
from app.models import Order
from app.portal import EXTENSION, Portal
from app.settings import Settings
from tests.analysis_room.program import MOODS
from tests.helpers import ROOT, make_order, process, python, wait_for

PROGRAM = Path(__file__).with_name("program.py")
CSV = b"day,sold\n2026-11-01,3\n"


def catalog_with(path: Path, moods: Iterable[str], *words: str, more: str = "") -> Path:
    """Write the demo's catalog with one more product for each mood of the test program, and `more` lines for each."""
    products = [
        f"""
[[products]]
key = "test-{mood}"
name = {{ ja = "試験", en = "Test" }}
summary = {{ ja = "試験", en = "Test" }}
price = 1000
command = {[sys.executable, str(PROGRAM), mood, *words]!r}
accepts = [".csv"]
max_bytes = 1_000_000
time_limit = {2 if mood == "sleep" else 60}
memory_limit = {512 * 1024**2}
{more}
"""
        for mood in moods
    ]
    path.write_text((ROOT / "catalog.toml").read_text() + "".join(products))
    return path


@pytest.fixture(scope="session")
def moody(app: Flask, settings: Settings, folder: Path) -> Iterator[Flask]:
    """Build an application on the session's database that sells the test program."""
    catalog = catalog_with(folder / "moods.toml", MOODS)
    application = create_app(settings.model_copy(update={"catalog": catalog}))
    yield application
    application.extensions[EXTENSION].database.close()


def name_of_run(order: Order) -> str:
    """Return the name that a running program has given its run, or an empty text."""
    found = list(Path(tempfile.gettempdir()).glob(f"analysis-{order.id}-*/output/run"))
    return found[0].read_text() if found else ""


@contextmanager
def worker(environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a job worker until it says that it is ready."""
    seen = log.stat().st_size if log.exists() else 0
    with process(*python("-m", "app.worker", "--name", "kill"), environment=environment, log=log) as child:

        def ready() -> bool:
            assert child.poll() is None, log.read_text()
            return "worker.ready" in log.read_text()[seen:]

        wait_for(ready, 60, "the worker")
        yield child


@dataclass
class House:
    """A portal on a database of its own, and what its processes need."""

    portal: Portal
    environment: dict[str, str]

    def arrived(self, mood: str, email: str) -> Order:
        """Make an order whose file is frozen, and let it get into the line."""
        order = make_order(self.portal, product=f"test-{mood}", state="uploaded", email=email)
        self.portal.storage.put(f"orders/{order.id}.kaiseki", CSV, "application/octet-stream")
        with self.portal.database.transaction() as session:
            self.portal.jobs.enqueue(session, "analysis.run", order.id)
        return order


@contextmanager
def house_on(settings: Settings, environment: dict[str, str], database: str, catalog: Path) -> Iterator[House]:
    """Open a portal on a database of its own that sells what a catalog says."""
    own = settings.model_copy(update={"catalog": catalog, "database_url": SecretStr(database)})
    names = {"CATALOG": str(catalog), "DATABASE_URL": database, "MAIL_TRANSPORT": "log"}
    application = create_app(own)
    with application.app_context():
        portal: Portal = application.extensions[EXTENSION]
        yield House(portal, {**environment, **names})
        portal.database.close()


@pytest.fixture
def shop(moody: Flask) -> Iterator[Portal]:
    """Give the portal that sells the test program, inside an application context."""
    with moody.app_context():
        yield moody.extensions[EXTENSION]


@pytest.fixture
def arrived(shop: Portal, email: str) -> Callable[..., Order]:
    """Return a function that makes an order of a mood, its file frozen."""

    def make(mood: str, **columns: object) -> Order:
        order = make_order(shop, product=f"test-{mood}", state="uploaded", email=email, **columns)
        shop.storage.put(f"orders/{order.id}.kaiseki", CSV, "application/octet-stream")
        return order

    return make
