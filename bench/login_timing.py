"""How long asking for a login mail takes, for an address that has orders and for one that nobody knows (AC-L07).

`python -m bench.login_timing [runs]` (default 200) asks the real web server for a known, a staff and an unknown address
in turn, so that a machine that grows slower makes all slower; first on SQLite, then on PostgreSQL. Printed: median and
95th percentile of each kind, and how far the medians are apart; above 10 ms the exit code is 1.
"""

import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles

from app import create_app
from app.kit.ids import new_id
from app.models import StaffMember
from app.portal import EXTENSION, Portal
from bench.webhooks.house import portal_environment, serving
from tests.conftest import migrate
from tests.helpers import Sandbox, make_order
from tests.login.steps import Browser
from tests.postgresql import postgresql

RUNS = 200
APART_S = 0.010
KINDS = ("known", "staff", "unknown")


def address(portal: Portal, kind: str) -> str:
    """Return a new address of a kind; each is asked for once, so that no limit is met."""
    email = f"{new_id()}@example.jp"
    if kind == "known":
        for _ in range(20):
            make_order(portal, email=email)
    if kind == "staff":
        with portal.database.transaction() as session:
            session.add(StaffMember(email=email, role="admin", created_at=portal.clock()))
    return email


def measure(portal: Portal, base: str, runs: int) -> dict[str, list[float]]:
    """Ask `runs` times for an address of each kind; return the seconds of each answer."""
    browser = Browser(base)
    token = browser.csrf()
    took: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for _ in range(runs):
        for kind in KINDS:
            email = address(portal, kind)
            began = time.perf_counter()
            status, _, _ = browser.submit("/login", csrf_token=token, email=email)
            took[kind].append(time.perf_counter() - began)
            if status != 303:  # noqa: PLR2004
                raise SystemExit(f"/login answered {status} for an address of kind {kind}")
    return took


def compare(database_url: str, folder: Path, runs: int) -> float:
    """Measure on one database and print; return how many seconds the medians are apart."""
    nobody = Sandbox(stripe="http://127.0.0.1:9", mailbox="", s3="", smtp="", webhook_secret="")
    environment = portal_environment(folder, database_url, nobody)
    os.environ.update(environment)
    migrate(database_url)
    app = create_app()
    with serving("wsgi:app", 1, environment, folder) as base, app.app_context():
        took = measure(app.extensions[EXTENSION], base, runs)
    for kind, times in took.items():
        slow = quantiles(times, n=20)[-1]
        print(f"  {kind:8} {len(times)} asks: median {median(times) * 1e3:.2f} ms, p95 {slow * 1e3:.2f} ms")
    medians = [median(times) for times in took.values()]
    return max(medians) - min(medians)


def main() -> None:
    """Measure on both databases."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    wrong = 0
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="login-timing-")))
        folder.chmod(0o755)  # PostgreSQL does not run as root
        for url in (f"sqlite:///{folder / 'portal.sqlite3'}", stack.enter_context(postgresql(folder))):
            print(url.partition(":")[0])
            apart = compare(url, folder, runs)
            print(f"  medians are {apart * 1e3:.2f} ms apart (at most {APART_S * 1e3:.0f})")
            wrong |= apart > APART_S
    sys.exit(wrong)


if __name__ == "__main__":
    main()
