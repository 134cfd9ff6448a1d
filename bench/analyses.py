"""What the local engine costs, and how a long line of small analyses goes through two workers.

`python -m bench.analyses [--mb 1000] [--runs 3] [--orders 1000]`, in one run:

1. csv_profile on a file of so many 10^6 bytes, by hand (a plain subprocess) and in the engine's box, in turn: seconds
   of each, the difference of the medians, and its share. Fetching the input and its checksum, which the engine does as
   well, are told apart.
2. So many orders with a program that does nearly nothing, half of them of one address and the rest of persons with two
   each, all in the line before the two workers start: orders a minute, when the last person's first order was started,
   and how much memory the workers held after a tenth, half and all of it (proc(5), VmRSS).
"""

import argparse
import hashlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy import func, select

from app import create_app
from app.gateways.compute import Work
from app.gateways.compute.isolation import ROOT
from app.gateways.compute.local import best_way, boxed
from app.kit.ids import new_id
from app.models import AuditEntry, Order
from app.portal import EXTENSION, Portal
from app.settings import Settings
from bench.webhooks.house import portal_environment
from tests.analysis_room.conftest import CSV, catalog_with
from tests.conftest import migrate
from tests.helpers import Sandbox, answers, free_port, make_order, process, python, wait_for

MB = 10**6
PROGRAM = [sys.executable, "-m", "analyses.csv_profile"]
WORKERS = 2


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.analyses")
    parser.add_argument("--mb", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--orders", type=int, default=1000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        overhead(folder, asked.mb, asked.runs)
        line(folder, asked.orders)


def overhead(folder: Path, mb: int, runs: int) -> None:
    """Print what the box adds to a run of csv_profile."""
    source = folder / "table.csv"
    _write(source, mb * MB)
    started = time.monotonic()
    with source.open("rb") as file:
        hashlib.file_digest(file, "sha256")
    print(f"csv_profile on {mb} MB, way: {best_way()}; SHA-256 of the input alone {time.monotonic() - started:.2f} s")
    sides = {"by hand": _by_hand, "in the box": _in_the_box}
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(runs):
        for name, side in sides.items():
            place = folder / f"{name.replace(' ', '-')}-{number}"
            (place / "output").mkdir(parents=True)
            (place / "tmp").mkdir()
            os.link(source, place / "input")
            seconds[name].append(side(place))
            print(f"{name:>12} {seconds[name][-1]:8.2f} s", flush=True)
    hand, box = (statistics.median(each) for each in seconds.values())
    print(f"{'median':>12} {hand:8.2f} s by hand, {box:.2f} s in the box: {box - hand:+.2f} s, {(box / hand - 1):+.1%}")


def _write(path: Path, size: int) -> None:
    block = "".join(f"2026-11-{n % 28 + 1:02},{n % 97},{n * 7 % 1000 / 8},city {n % 13}\n" for n in range(10_000))
    with path.open("w") as file:
        file.write("day,count,price,city\n")
        while file.tell() < size:
            file.write(block)


def _environment() -> dict[str, str]:
    return {"FILENAME": "table.csv", "LOCALE": "ja", "ORDER_ID": new_id()}


def _by_hand(place: Path) -> float:
    paths = {"INPUT": place / "input", "OUTPUT": place / "output", "TMPDIR": place / "tmp"}
    # An empty home, as in the box: what a program builds anew without its cache (Matplotlib's list of fonts, 0.4 s) is
    # the program's cost on either side.
    paths["HOME"] = place / "tmp"
    given = {**os.environ, **_environment(), **{name: str(path) for name, path in paths.items()}}
    started = time.monotonic()
    subprocess.run(PROGRAM, cwd=ROOT, env=given, check=True, capture_output=True)
    return time.monotonic() - started


def _in_the_box(place: Path) -> float:
    work = Work(
        run_id=new_id(),
        order_id=new_id(),
        command=PROGRAM,
        task=None,
        source="",
        output=place / "output",
        environment=_environment(),
        time_limit=3600,
        memory_limit=4 * 1024**3,
        disk_limit=1024**3,
        on_progress=lambda _percent: None,
        should_stop=lambda: False,
        on_task=lambda _task: None,
        task_ended=lambda: False,
    )
    way = best_way()
    started = time.monotonic()
    finished = boxed(work, way)
    seconds = time.monotonic() - started
    if finished.exit_code != 0:
        raise SystemExit(f"the program failed: {finished}")
    return seconds


def line(folder: Path, count: int) -> None:
    """Print how a line of small orders goes through the workers."""
    with _house(folder) as (portal, environment), ExitStack() as stack:
        crowd = count // 2
        emails = ["crowd@example.jp"] * crowd + [f"person{number // 2}@example.jp" for number in range(count - crowd)]
        persons = len(set(emails))
        started = time.monotonic()
        for email in emails:
            _arrive(portal, email)
        print(f"{count} orders of {persons} persons put into the line in {time.monotonic() - started:.1f} s")
        workers = []
        for number in range(WORKERS):
            log = folder / f"worker-{number}.log"
            child = stack.enter_context(process(*python("-m", "app.worker"), environment=environment, log=log))
            wait_for(lambda log=log: log.exists() and "worker.ready" in log.read_text(), 60, "a worker")  # type: ignore[misc]
            workers.append(child.pid)
        started = time.monotonic()
        done_before = _count(portal, "analysed")
        for share in (0.1, 0.5, 1.0):
            wait_for(lambda share=share: _count(portal, "analysed") >= count * share, 3600, "the line")  # type: ignore[misc]
            seconds = time.monotonic() - started
            held = ", ".join(f"{_memory(pid) / MB:.0f} MB" for pid in workers)
            print(f"{share:4.0%} done after {seconds:6.1f} s; the workers hold {held}", flush=True)
        print(f"{(count - done_before) / seconds * 60:.0f} orders a minute on {WORKERS} workers, two at once each")
        print(f"the last person's first order was the {_last_first(portal)}th to start, of {persons} persons")


@contextmanager
def _house(folder: Path) -> Iterator[tuple[Portal, dict[str, str]]]:
    """Open a portal on a new SQLite database that sells the test program, with an object store."""
    ports = {name: free_port() for name in ("STRIPE", "MAILBOX", "SMTP", "S3")}
    names = {"SANDBOX_DIR": str(folder / "sandbox"), **{f"SANDBOX_{name}_PORT": str(p) for name, p in ports.items()}}
    store = f"http://127.0.0.1:{ports['S3']}"
    sandbox = Sandbox(f"http://127.0.0.1:{ports['STRIPE']}", "", store, "", "", names)
    url = f"sqlite:///{folder / 'portal.sqlite3'}"
    catalog = catalog_with(folder / "catalog.toml", ("good",), more="at_once = 100")
    more = {"S3_ENDPOINT_URL": store, "CATALOG": str(catalog), "COMPUTE": "local", "ANALYSES_AT_ONCE": "2"}
    environment = {**portal_environment(folder, url, sandbox), **more}
    with process(*python("-m", "sandbox"), environment=names, log=folder / "sandbox.log"):
        wait_for(lambda: answers(f"{store}/_ministack/health"), 60, "the object store")
        migrate(url)
        os.environ.update(environment)
        app = create_app(Settings(_env_file=None))  # type: ignore[call-arg]
        with app.app_context():
            portal: Portal = app.extensions[EXTENSION]
            portal.storage.set_up()
            yield portal, environment
            portal.database.close()


def _arrive(portal: Portal, email: str) -> None:
    order = make_order(portal, product="test-good", state="uploaded", email=email)
    portal.storage.put(f"orders/{order.id}.kaiseki", CSV, "application/octet-stream")
    with portal.database.transaction() as session:
        portal.jobs.enqueue(session, "analysis.run", order.id)


def _count(portal: Portal, state: str) -> int:
    with portal.database.transaction() as session:
        return session.scalar(select(func.count()).where(Order.state == state)) or 0


def _last_first(portal: Portal) -> int:
    """Return the place among all starts at which the last person had their first."""
    query = (
        select(Order.email)
        .join(AuditEntry, AuditEntry.order_id == Order.id)
        .where(AuditEntry.kind == "work.started")
        .order_by(AuditEntry.at, AuditEntry.id)
    )
    with portal.database.transaction() as session:
        emails = session.scalars(query).all()
    return max(emails.index(email) for email in set(emails)) + 1


def _memory(pid: int) -> int:
    rows = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(row.split()[1]) * 1024 for row in rows if row.startswith("VmRSS"))


if __name__ == "__main__":
    main()
