"""The programs that are measured, each with what it stands on."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

from app import create_app
from app.portal import EXTENSION, Portal
from bench.webhooks import events, house
from tests.conftest import migrate
from tests.helpers import Sandbox

ROUTE = "/webhooks/stripe"
FLOOR = "(b) floor, PostgreSQL"
PORTAL = "(c) portal, PostgreSQL"
SHIPPED = "(d) dj-stripe as shipped"
STORING = "(d) dj-stripe storing only"
_TABLE = "CREATE TABLE floor (id text PRIMARY KEY, body text NOT NULL)"


@dataclass(frozen=True)
class Candidate:
    """One program to measure; `events` is how many unique ones it gets at most in one load."""

    name: str
    target: str
    environment: Mapping[str, str]
    path: str = ROUTE
    interpreter: Path = Path(sys.executable)
    events: int = 40_000


def floors(folder: Path, pg: str) -> Iterator[Candidate]:
    """Give the bare view, and the floor on both databases."""
    yield Candidate("(a) bare Flask view", "bench.webhooks.bare:app", {})
    lite = f"sqlite:///{folder / 'floor.sqlite3'}"
    for name, url in ((FLOOR, database(pg, "floor")), ("(b) floor, SQLite", lite)):
        with create_engine(url).begin() as connection:
            if url == lite:
                connection.execute(text("PRAGMA journal_mode=WAL"))
            connection.execute(text(_TABLE))
        environment = {"FLOOR_SECRET": house.SECRET, "FLOOR_DATABASE_URL": url}
        yield Candidate(name, "bench.webhooks.floor:app", environment)


def portals(folder: Path, pg: str, sandbox: Sandbox) -> Iterator[Candidate]:
    """Give the portal on both databases."""
    for name, url in ((PORTAL, pg), ("(c) portal, SQLite", f"sqlite:///{folder / 'portal.sqlite3'}")):
        migrate(url)
        yield Candidate(name, "wsgi:app", house.portal_environment(folder, url, sandbox))


def djstripes(pg: str, sandbox: Sandbox) -> Iterator[Candidate]:
    """Give dj-stripe as it comes, which works inside the request, and storing only."""
    python = house.djstripe_python()
    for name, store_only, count in ((SHIPPED, False, 4000), (STORING, True, 20_000)):
        url = database(pg, "djstripe_storing" if store_only else "djstripe")
        environment = house.djstripe_environment(url, sandbox, store_only=store_only)
        path = house.djstripe_path(python, environment)
        yield Candidate(name, "bench.webhooks.djsite.wsgi:app", environment, path, python, count)


def database(pg: str, name: str) -> str:
    """Make one more database on the same server."""
    with create_engine(pg, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    return f"{pg.rpartition('/')[0]}/{name}"


@contextmanager
def in_process(environment: Mapping[str, str]) -> Iterator[Portal]:
    """Give the portal in this process, in its context."""
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        app = create_app()
    finally:
        os.environ.clear()
        os.environ.update(before)
    with app.app_context():
        yield app.extensions[EXTENSION]
    app.extensions[EXTENSION].database.close()


def sold(one: Candidate, sandbox: Sandbox) -> list[dict[str, Any]]:
    """Sell something through the portal's own database, so that its events settle real orders."""
    with in_process(one.environment) as portal:
        return events.sell(portal, sandbox)
