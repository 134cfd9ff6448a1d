"""How fast webhook events are taken in, beside a bare view, the floor, and dj-stripe. All in one run, for ratios.

(a) bare Flask view that answers 200; (b) floor: signature check + one INSERT ... ON CONFLICT DO NOTHING + commit;
(c) the portal; (d) dj-stripe as shipped (it works inside the request) and storing only. The same server (granian),
each with its best number of workers; PostgreSQL with synchronous_commit on. Afterwards two job workers drain events
that wait, Stripe re-read included. Wants PostgreSQL and wrk; installs dj-stripe into var/bench/ for itself.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import create_engine, delete, func, select, text

from app.models import StripeEvent
from app.portal import Portal
from bench.webhooks import events, house, load
from bench.webhooks.candidates import (
    FLOOR,
    PORTAL,
    ROUTE,
    SHIPPED,
    STORING,
    Candidate,
    djstripes,
    floors,
    in_process,
    portals,
    sold,
)
from tests.conftest import put_off_schedule
from tests.helpers import wait_for
from tests.postgresql import postgresql

WORKERS = (1, 2, 4)
CONNECTIONS_AT_HALF = 32
DRAINED = 1000

Write = Callable[[Path, int], None]


def top(one: Candidate, folder: Path, write: Write, seconds: int) -> tuple[int, load.Result]:
    """Find the best number of workers; return it with the result at its top load."""
    found = []
    for workers in WORKERS:
        with house.serving(one.target, workers, one.environment, folder, interpreter=one.interpreter) as at:
            file = folder / "events.tsv"
            write(file, 200)
            load.run(at + one.path, file, seconds=1)  # connections, caches
            write(file, one.events)
            result = load.run(at + one.path, file, seconds=seconds)
        if result.refused or result.repeated:
            print(f"{one.name}, {workers} workers: not all fresh and accepted: {result}", flush=True)
        found.append((workers, result))
    return max(found, key=lambda pair: pair[1].rate)


def at_half(one: Candidate, workers: int, rate: float, folder: Path, write: Write) -> load.Result:
    """Measure latencies at half of a load: every connection pauses between two events."""
    with house.serving(one.target, workers, one.environment, folder, interpreter=one.interpreter) as at:
        file = folder / "events.tsv"
        write(file, one.events)
        pause = round(CONNECTIONS_AT_HALF / (rate / 2) * 1000)
        return load.run(at + one.path, file, seconds=6, connections=CONNECTIONS_AT_HALF, pause_ms=pause)


def left(portal: Portal) -> int:
    """Count the events that wait."""
    with portal.database.transaction() as session:
        return session.scalar(select(func.count()).where(StripeEvent.state == "received")) or 0


def drain(portal: Portal, one: Candidate, folder: Path, write: Write) -> float:
    """Return how many waiting events two job workers handle in a second, from the first to the last.

    Only events: jobs that run by themselves every quarter of an hour or less often are put off.
    """
    put_off_schedule(portal)
    with portal.database.transaction() as session:
        session.execute(delete(StripeEvent))
    file = folder / "events.tsv"
    with house.serving(one.target, 2, one.environment, folder) as at:
        while left(portal) < DRAINED:
            write(file, DRAINED)
            load.run(at + ROUTE, file, seconds=1)
    waiting = left(portal)
    with house.job_workers(2, one.environment, folder):
        wait_for(lambda: left(portal) < waiting, 60, "the first event")
        begun, many = time.perf_counter(), left(portal)
        wait_for(lambda: left(portal) == 0, 600, "the last event")
        return many / (time.perf_counter() - begun)


def measure(folder: Path, stack: ExitStack, seconds: int) -> None:
    """Measure everything once, in one run."""
    sandbox = stack.enter_context(house.stripe(folder))
    pg = stack.enter_context(postgresql(folder))
    with create_engine(pg).connect() as connection:
        print("synchronous_commit:", connection.scalar(text("SHOW synchronous_commit")))
    ours = list(portals(folder, pg, sandbox))
    templates = sold(ours[0], sandbox)

    def write(path: Path, count: int) -> None:
        events.write(path, templates, count, house.SECRET)

    print(f"{'':28} workers  events/s   p50 ms   p99 ms   of the floor")
    rates: dict[str, float] = {}
    for one in [*floors(folder, pg), *ours, *djstripes(pg, sandbox)]:
        workers, result = top(one, folder, write, seconds)
        rates[one.name] = result.rate
        _show(one.name, workers, result, f"{result.rate / rates[FLOOR]:10.0%}" if FLOOR in rates else "")
        if one in ours:
            _show("    at half of that load", workers, at_half(one, workers, result.rate, folder, write))
    _compare(rates)
    with in_process(ours[0].environment) as portal:
        rate = drain(portal, ours[0], folder, write)
    times = rate / rates[SHIPPED]
    print(f"two job workers drain, Stripe re-read included: {rate:.0f} events/s, {times:.1f} x dj-stripe as shipped")


def _show(name: str, workers: int, result: load.Result, share: str = "") -> None:
    print(f"{name:28} {workers:7} {result.rate:9.0f} {result.p50:8.1f} {result.p99:8.1f} {share}", flush=True)


def _compare(rates: Mapping[str, float]) -> None:
    for name in (SHIPPED, STORING):
        print(f"{PORTAL} / {name}: {rates[PORTAL] / rates[name]:.1f}")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=6, help="how long each load lasts")
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory(prefix="bench-webhooks-") as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        measure(folder, stack, seconds)


if __name__ == "__main__":
    main()
