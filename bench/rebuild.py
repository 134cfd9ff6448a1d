"""How long `portal rebuild` takes, and how often it asks Stripe.

`python -m bench.rebuild [orders]` (default 2,000) fills the object store and the Stripe stand-in's file with paid and
delivered orders, then rebuilds an empty SQLite ledger from them. Printed: calls to Stripe, seconds of each pass, and
both for a thousand orders. What is extrapolated from that is linear; the stand-ins answer within milliseconds, where
Stripe's pages of 100 expanded sessions and S3's reads take longer.
"""

import json
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import func, select

from app import create_app
from app.gateways.session_request import SessionRequest
from app.kit.ids import digest, new_id, new_secret
from app.models import Order, Payment
from app.orders.records import keep
from app.portal import EXTENSION, Portal
from app.recovery.pace import Pace
from app.recovery.rebuild import rebuild
from app.recovery.report import Report
from app.settings import Settings
from bench.webhooks.house import portal_environment, stripe
from tests.helpers import ROOT, Sandbox, answers, free_port, get_json, process, python, wait_for

ORDERS = 2_000
AT_ONCE = 8


def orders(portal: Portal, count: int) -> Iterator[Order]:
    """Yield delivered orders that no database holds."""
    now = portal.clock()
    for number in range(count):
        order_id = new_id()
        file = {"slug": "result.zip", "name": "r.zip", "key": f"results/{order_id}/result.zip", "size": 1, "type": "z"}
        yield Order(
            id=order_id, product="csv-profile", email=f"payer{number % 500}@example.jp", locale="ja",
            claim_hash=digest(new_secret()), charge="after_analysis", price=1500, filename="売上.csv", size=1,
            state="analysed", preview={"facts": [], "image": "plot.png", "alt": {"ja": "図", "en": "Plot"}},
            progress=100, delivery={"files": [file]},
            created_at=now, uploaded_at=now, analysed_at=now, delivered_at=now,
        )  # fmt: skip


def put(portal: Portal, order: Order) -> None:
    """Write what the rooms would have written."""
    for part in ("order", "analysis", "delivery"):
        keep(portal.storage, part, order)


def template(portal: Portal, sandbox: Sandbox) -> dict[str, str]:
    """Pay one Checkout Session by card; return its order, attempt, session, PaymentIntent and charge."""
    order_id, attempt = new_id(), new_id()
    made = portal.stripe.create_session(
        SessionRequest(
            attempt_id=attempt, begun_at=portal.clock(), order_id=order_id, portal_id=portal.catalog.portal.id,
            email="payer@example.jp", method="card", name="CSV", price=1500, handling=0, handling_name="",
            locale="ja", success_url="http://127.0.0.1/r", cancel_url="http://127.0.0.1/p", submit_note="Bench",
            expires_after_days=None, terms_version="2026-01",
        )
    )  # fmt: skip
    sandbox.control(f"sessions/{made['id']}/pay_card")
    intent = portal.stripe.retrieve_session(made["id"])["payment_intent"]
    return {
        "order": order_id,
        "attempt": attempt,
        "checkout.session": made["id"],
        "payment_intent": intent["id"],
        "charge": intent["latest_charge"]["id"],
    }


def copy_sessions(file: Path, ids: dict[str, str], order_ids: list[str]) -> None:
    """Copy the paid session for each order, straight into the stand-in's file."""
    kinds = ("checkout.session", "payment_intent", "charge")
    with closing(sqlite3.connect(file, timeout=30)) as connection, connection:
        bodies = {
            kind: connection.execute("SELECT created, body FROM objects WHERE id = ?", (ids[kind],)).fetchone()
            for kind in kinds
        }
        for number, order_id in enumerate(order_ids):
            new = {ids["order"]: order_id, ids["attempt"]: new_id(), **{ids[k]: f"{ids[k]}{number}" for k in kinds}}
            for kind, (created, body) in bodies.items():
                for old, value in new.items():
                    body = body.replace(f'"{old}"', json.dumps(value))  # noqa: PLW2901
                row = (new[ids[kind]], kind, created, body)
                connection.execute("INSERT INTO objects (id, object, created, body) VALUES (?, ?, ?, ?)", row)


def measure(portal: Portal, sandbox: Sandbox, count: int) -> None:
    """Fill, rebuild, print."""
    made = list(orders(portal, count))
    with ThreadPoolExecutor(AT_ONCE) as threads:
        list(threads.map(lambda order: put(portal, order), made))
    ids = template(portal, sandbox)
    copy_sessions(Path(sandbox.environment["SANDBOX_DIR"]) / "stripe.sqlite3", ids, [order.id for order in made])
    before = get_json(f"{sandbox.stripe}/_control/api/calls?after=0")[-1]["seq"]
    passes: list[tuple[str, float]] = []
    report, pace = Report(), Pace()
    rebuild(report, pace, lambda stage: passes.append((stage.split()[0], time.perf_counter())))
    end = time.perf_counter()
    calls = get_json(f"{sandbox.stripe}/_control/api/calls?after={before}")
    with portal.database.transaction() as session:
        back = [session.scalar(select(func.count()).select_from(model)) for model in (Order, Payment)]
    print(f"{count:,} orders in S3, {report.looked['session']:,} sessions at Stripe")
    print(f"{back[0]:,} orders and {back[1]:,} payments in the ledger")
    print(f"{len(calls)} calls to Stripe: {len(calls) / count * 1000:.1f} for a thousand orders")
    for (stage, begun), (_, ended) in zip(passes, [*passes[1:], ("", end)], strict=True):
        print(f"{stage:<10} {ended - begun:7.1f} s {(ended - begun) / count * 1000:7.2f} s for a thousand orders")
    print(
        f"{'in all':<10} {end - passes[0][1]:7.1f} s {(end - passes[0][1]) / count * 1000:7.2f} s for a thousand orders"
    )


def main() -> None:
    """Start the stand-ins and measure."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else ORDERS
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-rebuild-")))
        sandbox = stack.enter_context(stripe(folder))
        port = free_port()
        store = {**sandbox.environment, "SANDBOX_S3_PORT": str(port)}
        command_line = python("-m", "sandbox.objectstore")
        stack.enter_context(process(*command_line, environment=store, log=folder / "s3.log"))
        wait_for(lambda: answers(f"http://127.0.0.1:{port}/_ministack/health"), 60, "the object store")
        environment = portal_environment(folder, f"sqlite:///{folder / 'portal.sqlite3'}", sandbox)
        os.environ.update({**environment, "S3_ENDPOINT_URL": f"http://127.0.0.1:{port}"})
        config = Config(toml_file=ROOT / "pyproject.toml")
        config.attributes["database_url"] = environment["DATABASE_URL"]
        command.upgrade(config, "head")
        app = create_app(Settings(_env_file=None))  # type: ignore[call-arg]
        with app.app_context():
            portal: Portal = app.extensions[EXTENSION]
            portal.storage.set_up()
            measure(portal, sandbox, count)


if __name__ == "__main__":
    main()
