"""How long the back office takes with few and with many orders.

`python -m bench.back_office postgresql` (10,000 and 1,000,000 orders), `... sqlite` (10,000 and 200,000), or with two
numbers of orders after it. Both databases are filled, then every page is asked for in turns from both, round by round,
through the whole application but the socket; printed: p50 and p95 of each in milliseconds and the ratio of the p50.
Then the list is exported from the big one, with the most memory that the process held, and sixteen look at its orders
at once.
"""

import gc
import os
import random
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text

from app import create_app
from app.login.people import SESSION_COOKIE
from app.models import StaffMember
from app.portal import EXTENSION, Portal
from app.settings import Settings
from bench.back_office.cases import BESIDE, GOALS, Case, Sample, some_of
from bench.back_office.lookers import look
from bench.back_office.people import Row, orders
from bench.back_office.seed import fill
from bench.webhooks.house import portal_environment
from tests.cast import staff_session
from tests.helpers import Sandbox
from tests.postgresql import postgresql

SIZES = {"postgresql": (10_000, 1_000_000), "sqlite": (10_000, 200_000)}
ROUNDS = 100
EXPORTED = 100_000
GOAL_MS, GOAL_RATIO = 100, 1.5
ME = "bench@kaiseki.example"


def house(folder: Path, url: str, count: int) -> tuple[FlaskClient, Sample]:
    """Fill a database; give a browser in which a member of staff is logged in, and some of the orders."""
    begun = time.perf_counter()
    kept: list[dict[str, list[Row]]] = []
    fill(url, some_of(orders(count), count, kept))
    print(f"{count:>9,} orders in {time.perf_counter() - begun:.0f} s", flush=True)
    environment = portal_environment(folder, url, Sandbox("http://127.0.0.1:9", "", "", "", ""))
    os.environ.update(environment)
    app = create_app(Settings(_env_file=None))  # type: ignore[call-arg]
    return _log_in(app), Sample(kept, random.Random(7))  # noqa: S311  (no secret)


def _log_in(app: Flask) -> FlaskClient:
    with app.app_context():
        portal: Portal = app.extensions[EXTENSION]
        with portal.database.transaction() as session:
            session.add(StaffMember(email=ME, role="admin", created_at=portal.clock()))
            session.flush()
            secret = staff_session(portal, session, ME)
    client = app.test_client()
    client.set_cookie(SESSION_COOKIE, secret, domain="127.0.0.1")
    return client


def measure(houses: list[tuple[FlaskClient, Sample]], cases: dict[str, Case]) -> dict[str, list[list[float]]]:
    """Ask each house for each case in turns, round by round; return milliseconds by case and house.

    What disturbs the machine for a moment is so not one case's alone.
    """
    spent: dict[str, list[list[float]]] = {name: [[] for _ in houses] for name in cases}
    for number in range(ROUNDS + 2):
        for name, case in cases.items():
            for (client, sample), times in zip(houses, spent[name], strict=True):
                address = case(sample)
                begun = time.perf_counter()
                answer = client.get(address, headers={"Accept-Language": "ja"})
                if number > 1:  # the first ones make plans and templates, and find nothing in memory
                    times.append((time.perf_counter() - begun) * 1000)
                if answer.status_code != 200:  # noqa: PLR2004
                    raise SystemExit(f"{address}: {answer.status_code}")
    return spent


def table(houses: list[tuple[FlaskClient, Sample]], cases: dict[str, Case]) -> Iterator[str]:
    """Print a line a case; yield the names of those that miss a goal."""
    for name, spent in measure(houses, cases).items():
        few, many = (statistics.quantiles(times, n=20) for times in spent)
        ratio = many[9] / few[9]
        missed = many[18] > GOAL_MS or ratio > GOAL_RATIO
        print(
            f"{name:<36} {few[9]:>8.1f} {few[18]:>8.1f} {many[9]:>8.1f} {many[18]:>8.1f} {ratio:>7.2f}"
            f"{'  missed' if missed else ''}",
            flush=True,
        )
        if missed:
            yield name


def export(client: FlaskClient) -> None:
    """Export the newest orders part by part; print how long it takes and how the memory grows."""
    page = client.get("/staff/orders/export").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    if token is None:
        raise SystemExit(page)
    begun, lines, first, most = time.perf_counter(), 0, 0.0, 0.0
    answer = client.post("/staff/orders/export", data={"csrf_token": token[1]}, buffered=False)
    for part in answer.response:
        lines += bytes(part).count(b"\n")  # type: ignore[arg-type]
        most = max(most, _memory())
        first = first or most
        if lines > EXPORTED:
            break
    answer.close()
    spent = time.perf_counter() - begun
    print(f"export: {lines - 1:,} orders in {spent:.1f} s, memory {first:.1f} MiB at its start, {most:.1f} MiB at most")


def _memory() -> float:
    """Return the MiB that this process holds."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def databases(stack: ExitStack, folder: Path, kind: str, sizes: tuple[int, int]) -> list[str]:
    """Give an empty database for each number of orders."""
    if kind == "sqlite":
        return [f"sqlite:///{folder / f'{count}.sqlite3'}" for count in sizes]
    server = stack.enter_context(postgresql(folder))
    with create_engine(server, isolation_level="AUTOCOMMIT").connect() as connection:
        for count in sizes:
            connection.execute(text(f"CREATE DATABASE orders_{count}"))
    return [f"{server.rsplit('/', 1)[0]}/orders_{count}" for count in sizes]


def main() -> None:
    """Fill, measure, print."""
    kind = sys.argv[1] if len(sys.argv) > 1 else "postgresql"
    sizes = (int(sys.argv[2]), int(sys.argv[3])) if len(sys.argv) > 3 else SIZES[kind]  # noqa: PLR2004
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-back-office-")))
        folder.chmod(0o755)
        urls = databases(stack, folder, kind, sizes)
        houses = [house(folder, url, count) for url, count in zip(urls, sizes, strict=True)]
        print(f"\n{kind}, milliseconds, {ROUNDS} requests of each{'':>5}{sizes[0]:>13,} orders {sizes[1]:>9,} orders")
        print(f"{'':<36} {'p50':>8} {'p95':>8} {'p50':>8} {'p95':>8} {'ratio':>7}")
        missed = list(table(houses, GOALS))
        outcome = f"missed by {', '.join(missed)}" if missed else "met"
        print(f"\np95 under {GOAL_MS} ms and ratio at most {GOAL_RATIO}: {outcome}")
        print("\nbeside the goals")
        list(table(houses, BESIDE))
        print()
        export(houses[1][0])
        client, sample = houses[1]
        cookie = client.get_cookie(SESSION_COOKIE, domain="127.0.0.1")
        environment = {**os.environ, "DATABASE_URL": urls[1]}
        look(folder, environment, cookie.value if cookie else "", [rows["orders"][0]["id"] for rows in sample.rows])


if __name__ == "__main__":
    main()
