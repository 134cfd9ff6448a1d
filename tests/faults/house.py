"""A portal of real processes on a database of its own, with a proxy in front of each thing that it depends on."""

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.client import HTTPException
from pathlib import Path
from subprocess import Popen
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask
from sqlalchemy import make_url, select

from app import create_app
from app.kit.clock import system_clock
from app.kit.ids import digest, new_secret
from app.models import Mail, Order
from app.portal import EXTENSION, Portal
from app.settings import Settings
from tests.analysis_room.conftest import CSV, catalog_with
from tests.checkout.shop import PREVIEW, put_result
from tests.conftest import SECRET, WEBHOOK_SECRET
from tests.faults.database import database_in, run_sql
from tests.faults.proxy import Proxy
from tests.faults.visitor import TIMEOUT_S, Answer, Visitor
from tests.helpers import Sandbox, answers, free_port, get_json, make_order, process, python, wait_for
from tests.webhooks.deliveries import encode, sign

WEB_WORKERS = 4
MOODS_SOLD = ("good", "wait", "hungry")
JOB_WORKERS = ("worker-1", "worker-2")
PROCESSES = ("stripe", "web", *JOB_WORKERS)
# Stripe's retries in seconds of the machine, so that most rows need no other clock.
BACKOFF = [0.3, 0.5, 0.5, 1, 1, 1, 2, 2, 2, 3, 3, 3, 5, 5, 5, 5, 5, 5]
T = TypeVar("T")


@dataclass
class House:
    """The whole portal: 4 web workers, 2 job workers, a Stripe stand-in of its own.

    `portal` is the same portal in this process, past the proxies, to look with. `proxies`: s3, smtp, stripe, web (for
    Stripe's events only) and, on PostgreSQL, database.
    `born` tells in which (state, money) an order was put into the database; `old` are the orders of earlier
    rows; `mailed_twice` those of which a mail may have gone out twice (K9).
    """

    backend: str
    folder: Path
    environment: dict[str, str]
    flask: Flask
    portal: Portal
    sandbox: Sandbox
    proxies: dict[str, Proxy]
    port: int
    children: dict[str, tuple[Popen[bytes], ExitStack]] = field(default_factory=dict)
    born: dict[str, tuple[str, str]] = field(default_factory=dict)
    claims: dict[str, str] = field(default_factory=dict)
    marked: list[str] = field(default_factory=list)
    seen: list[Answer] = field(default_factory=list)
    endpoint: str = ""
    since: float = 0.0
    read: dict[str, int] = field(default_factory=dict)
    old: set[str] = field(default_factory=set)
    mailed_twice: set[str] = field(default_factory=set)
    silenced: set[str] = field(default_factory=set)
    extra: dict[str, str] = field(default_factory=dict)

    def begin_row(self, orders: set[str]) -> None:
        """Forget what was before: the invariants look at this row only."""
        self.old = orders
        self.since = float(self.told("time")["now"])
        self.seen.clear()
        self.read = {name: self.log(name).stat().st_size for name in PROCESSES}

    # --- processes

    def start(self, name: str) -> None:
        """Start one of the house's processes and wait until it serves."""
        log = self.log(name)
        before = log.stat().st_size if log.is_file() else 0
        stack = ExitStack()
        child = stack.enter_context(process(*self._command(name), environment=self._environment(name), log=log))
        self.children[name] = (child, stack)

        def up() -> bool:
            assert child.poll() is None, log.read_text()[before:] if log.is_file() else name
            if name in JOB_WORKERS:
                return name in self.silenced or "worker.ready" in log.read_text()[before:]
            address = self.sandbox.stripe if name == "stripe" else f"http://127.0.0.1:{self.port}"
            return answers(f"{address}/healthz")

        wait_for(up, 150, name)

    def _command(self, name: str) -> list[str]:
        if name == "stripe":
            return python("-m", "sandbox.stripe")
        if name in JOB_WORKERS:
            return python("-m", "app.worker", "--name", name)
        serve = ["-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(self.port)]
        workers = ["--workers", str(WEB_WORKERS), "--blocking-threads", "64", "--respawn-failed-workers"]
        return python(*serve, *workers, "wsgi:app")

    def _environment(self, name: str) -> dict[str, str]:
        return self.sandbox.environment if name == "stripe" else {**self.environment, **self.extra}

    def log(self, name: str) -> Path:
        """Return where a process writes what it says."""
        return Path("/dev/full") if name in self.silenced else self.folder / f"{name}.log"

    def stop(self, name: str) -> None:
        """Stop a process as an operator does."""
        self.children.pop(name)[1].close()

    def restart(self, *names: str) -> None:
        """Stop and start processes."""
        for name in names:
            self.stop(name)
            self.start(name)

    def kill(self, name: str) -> None:
        """Kill a process and all that it started with -9."""
        child = self.children[name][0]
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait(10)

    def revive(self) -> None:
        """Start again what has died, as an operator's init system does."""
        for name, (child, stack) in list(self.children.items()):
            if child.poll() is not None:
                stack.close()
                self.start(name)

    def complete(self) -> None:
        """Start what a row has left stopped."""
        for name in PROCESSES:
            if name not in self.children:
                self.start(name)

    def close(self) -> None:
        """Stop everything."""
        for _, stack in self.children.values():
            stack.close()
        for proxy in self.proxies.values():
            proxy.close()
        self.portal.database.close()

    def until(self, condition: Callable[[], T | None], timeout: float = 60.0, what: str = "") -> T:
        """Wait for a condition while the house is kept alive."""

        def look() -> T | None:
            self.revive()
            return condition()

        return wait_for(look, timeout, what)

    # --- the database, past the portal

    def sql(self, statement: str) -> list[Any]:
        """Run one statement beside the portal; return its rows."""
        return run_sql(self.portal.database.url, statement)

    # --- faults

    @property
    def orders_file(self) -> Path:
        """The file that every process looks into at each fail point."""
        return self.folder / "failpoints"

    def arm(self, *lines: str) -> None:
        """Let the next processes that pass these points die, fail or hang: `name:act[:n]`."""
        fresh = self.orders_file.with_suffix(".new")
        fresh.write_text("".join(f"{line}\n" for line in lines))
        fresh.replace(self.orders_file)

    def fired(self) -> bool:
        """Tell whether every armed line has been used up."""
        return self.orders_file.read_text() == ""

    def heal(self) -> None:
        """Take every fault away."""
        self.arm()
        for proxy in self.proxies.values():
            proxy.lift()
        self.revive()
        for path in ("faults/clear", "deliveries/plan/clear"):
            self.sandbox.control(path)
        self.sandbox.control(
            "settings", {"webhooks_paused": False, "webhook_backoff_seconds": BACKOFF, "rate_limits": True}
        )
        self.follow_clock()
        if self.silenced:
            for name in self.silenced & self.children.keys():
                self.stop(name)
            self.silenced.clear()
        self.revive()
        self.complete()

    def told(self, path: str) -> Any:
        """Ask the Stripe stand-in what it knows: `sessions`, `events`, `time`."""
        return get_json(f"{self.sandbox.stripe}/_control/api/{path}")

    def failed_deliveries(self) -> list[str]:
        """Return the ids of events that were tried in vain and wait to be tried again."""
        tried = (
            e["id"] for e in self.told("events") for d in e["deliveries"] if d["state"] == "pending" and d["attempts"]
        )
        return sorted(tried)

    # --- time

    def follow_clock(self, off: float = 0.0) -> None:
        """Let the portal's clock follow Stripe's, or stand `off` seconds beside where that is now."""
        stands = Path(self.sandbox.environment["SANDBOX_DIR"]) / "clock"
        clock = Path(self.environment["CLOCK_FILE"])
        fresh = clock.with_suffix(".new")
        if off:
            ahead = float(stands.read_text()) if stands.exists() else 0.0
            fresh.write_text(f"{ahead + off:.3f}\n")
        else:
            fresh.symlink_to(stands)
        fresh.replace(clock)

    def pass_time(self, **step: float) -> None:
        """Let time pass for Stripe and the portal: `days`, `hours`, `seconds` or `to`."""
        self.sandbox.control("time/advance", dict(step))

    def machine_time_passes(self) -> None:
        """Make due what the job library holds back; it goes by the machine's time, which nobody moves."""
        client = self.portal.jobs.client
        for held in client.list_workflows(status="DELAYED", load_input=False, load_output=False):
            client.set_workflow_delay(held.workflow_id, delay_seconds=0)

    # --- people

    def visitor(self, order: Order | None = None) -> Visitor:
        """Give a browser; of whoever made an order, where one is given."""
        claim = {"claim": self.claims[order.id]} if order else {}
        return Visitor(self.port, self.seen, claim)

    def deliver(self, event: dict[str, Any], timeout: float = TIMEOUT_S) -> Answer:
        """Send an event as Stripe does, signed by the portal's clock."""
        body = encode(event)
        ahead = (self.portal.clock() - system_clock()).total_seconds()
        return self.visitor().deliver(body, sign(body, late=-round(ahead)), timeout)

    def order(self, **columns: Any) -> Order:
        """Put an order into the database that was analysed and waits to be paid, its result in the object store."""
        claim = new_secret()
        email = f"marked-{new_secret()[:12].lower().replace('_', 'x').replace('-', 'x')}@example.jp"
        values = {"state": "analysed", "preview": PREVIEW, "claim_hash": digest(claim), "email": email, **columns}
        values.setdefault("analysed_at", self.portal.clock())
        order = make_order(self.portal, **values)
        put_result(self.portal, order)
        self.claims[order.id] = claim
        self.marked += [claim, order.email]
        self.born[order.id] = (order.state, order.money)
        return order

    def begin(self, order: Order, method: str = "card") -> str:
        """Go to Stripe's page as a customer does; return the Checkout Session's id."""
        browser = self.visitor(order)
        token = browser.token(f"/orders/{order.id}/pay?method={method}")
        answer = browser.post(f"/orders/{order.id}/pay", {"csrf_token": token, "method": method})
        assert answer.status == 303, (answer.status, answer.text)
        found = re.search(r"cs_[A-Za-z0-9_]+", answer.location)
        assert found, answer.location
        return found[0]

    def pay(self, session_id: str) -> None:
        """Pay by card on Stripe's page; comes back once Stripe has told the portal, or could not."""
        self.sandbox.control(f"sessions/{session_id}/pay_card")

    def bought(self, method: str = "card") -> Order:
        """Order and pay; for a konbini, up to and with the till."""
        order = self.order()
        session_id = self.begin(order, method)
        if method == "card":
            self.pay(session_id)
        else:
            self.sandbox.control(f"sessions/{session_id}/issue_voucher", {"phone": "09012345678"})
            self.sandbox.control(f"sessions/{session_id}/pay_at_till")
        return order

    def uploaded(self, mood: str = "good", body: bytes = CSV, **columns: Any) -> Order:
        """Put an order into the database whose file has just arrived, for the test program in a mood."""
        order = self.order(state="uploaded", preview=None, analysed_at=None, product=f"test-{mood}", **columns)
        self.portal.storage.delete_all(f"results/{order.id}/")
        self.portal.storage.put(f"orders/{order.id}.kaiseki", body, "application/octet-stream")
        with self.portal.database.transaction() as session:
            self.portal.jobs.enqueue(session, "analysis.run", order.id)
        return order

    def now(self, order: Order) -> Order:
        """Read an order anew."""
        with self.portal.database.transaction() as session:
            return session.get_one(Order, order.id)

    def opened(self, *orders: Order, timeout: float = 60.0) -> None:
        """Wait until the results of these orders are open."""
        for order in orders:
            self.until(lambda o=order: self.now(o).state == "delivered", timeout, f"order {order.id} to open")  # type: ignore[misc]

    def mailed(self, order: Order) -> None:
        """Wait until every mail about an order is out and marked so."""

        def out() -> bool:
            with self.portal.database.transaction() as session:
                states = session.scalars(select(Mail.state).where(Mail.order_id == order.id)).all()
            return bool(states) and set(states) == {"sent"}

        self.until(out, what="the mails")

    def healthy(self) -> bool:
        """Tell whether every web worker answers that it is well: many new connections reach all of them."""
        try:
            return all(Visitor(self.port, []).get("/healthz", 5).status == 200 for _ in range(3 * WEB_WORKERS))
        except (OSError, HTTPException):
            return False


@contextmanager
def house_on(backend: str, folder: Path, shared: Sandbox, **changes: str) -> Iterator[House]:
    """Build a house on a database of this kind; `shared` gives mailbox and object store, `changes` other settings.

    It sells the test program too; one that waits opens `folder/gate` to go on.
    """
    with ExitStack() as stack:
        url = database_in(stack, backend, folder)
        port, stripe_port = free_port(), free_port()
        own = {**shared.environment, "SANDBOX_DIR": str(folder / "stripe"), "SANDBOX_STRIPE_PORT": str(stripe_port)}
        sandbox = replace(shared, stripe=f"http://127.0.0.1:{stripe_port}", environment=own)
        direct = {
            "PORTAL_ENV": "test",
            "DATABASE_URL": url,
            "SECRET_KEY": SECRET,
            "PUBLIC_URL": f"http://127.0.0.1:{port}",
            "STRIPE_API_KEY": "sk_test_dummy_for_the_stand_in",
            "STRIPE_REFUND_KEY": "sk_test_dummy_for_refunds",
            "STRIPE_API_BASE": sandbox.stripe,
            "STRIPE_WEBHOOK_SECRETS": WEBHOOK_SECRET,
            "S3_BUCKET": f"house-{backend}",
            "S3_ENDPOINT_URL": sandbox.s3,
            "MAIL_TRANSPORT": "smtp",
            "SMTP_URL": sandbox.smtp,
            "MAIL_FROM": "no-reply@kaiseki.example",
            "CATALOG": str(catalog_with(folder / "catalog.toml", MOODS_SOLD, str(folder / "gate"))),
            "CLOCK_FILE": str(folder / "clock"),
            "S3_PUBLIC_URL": sandbox.s3,
            **changes,
        }
        behind = {"s3": sandbox.s3, "smtp": sandbox.smtp, "stripe": sandbox.stripe, "web": direct["PUBLIC_URL"]}
        proxies = {name: Proxy(urlsplit(address).port or 0) for name, address in behind.items()}
        through = {
            **direct,
            "S3_ENDPOINT_URL": f"http://127.0.0.1:{proxies['s3'].port}",
            "SMTP_URL": f"smtp://127.0.0.1:{proxies['smtp'].port}",
            "STRIPE_API_BASE": f"http://127.0.0.1:{proxies['stripe'].port}",
            "FAILPOINT": f"@{folder / 'failpoints'}",
        }
        if backend == "postgresql":
            proxies["database"] = Proxy(make_url(url).port or 0)
            ours = make_url(url).set(port=proxies["database"].port)
            through["DATABASE_URL"] = ours.render_as_string(hide_password=False)
        settings = Settings(_env_file=None, **{name.lower(): value for name, value in direct.items()})  # type: ignore[arg-type, call-arg]
        flask = create_app(settings)
        house = House(
            backend=backend,
            folder=folder,
            environment=through,
            flask=flask,
            portal=flask.extensions[EXTENSION],
            sandbox=sandbox,
            proxies=proxies,
            port=port,
        )
        house.marked += [SECRET, WEBHOOK_SECRET, direct["STRIPE_API_KEY"], direct["STRIPE_REFUND_KEY"]]
        stack.callback(house.close)
        # Not for as long as the house stands: tests of other rooms would find themselves in this context.
        with flask.app_context():
            house.portal.storage.set_up()
        house.arm()
        house.follow_clock()
        house.complete()
        endpoint = {"url": f"http://127.0.0.1:{proxies['web'].port}/webhooks/stripe", "secret": WEBHOOK_SECRET}
        house.endpoint = sandbox.control("endpoints", endpoint)["id"]
        yield house
