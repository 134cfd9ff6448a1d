"""A portal that sells the test program in all its moods."""

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from app.models import Order
from app.portal import EXTENSION, Portal
from app.settings import Settings
from tests.analysis_room.program import MOODS
from tests.helpers import ROOT, make_order

PROGRAM = Path(__file__).with_name("program.py")
CSV = b"day,sold\n2026-11-01,3\n"


def catalog_with(path: Path, moods: Iterable[str], *words: str) -> Path:
    """Write the demo's catalog with one more product for each mood of the test program."""
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
