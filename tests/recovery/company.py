"""A seller of its own: bucket, name at Stripe and ledger are nobody else's, so recovery sees only its orders."""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr
from sqlalchemy import create_engine, select, text

from app import create_app
from app.analysis.service import finish, run_program, start
from app.checkout.settle import settle
from app.delivery.service import build
from app.intake.inspection import conclude, look
from app.intake.service import confirm_upload
from app.kit.ids import digest, new_id, new_secret
from app.models import Base, Order, Payment
from app.portal import EXTENSION, Portal
from app.settings import Settings
from tests.analysis_room.conftest import CSV, PROGRAM
from tests.checkout.shop import go_to_stripe
from tests.conftest import Browser, new_database
from tests.helpers import ROOT, Sandbox, make_order, reload


@dataclass
class Company:
    """The seller, and the steps of its customers, done by the rooms' own functions."""

    settings: Settings
    environment: dict[str, str]
    sandbox: Sandbox
    backend: str
    database_url: str
    folder: Path
    stack: ExitStack
    cookies: dict[str, str] = field(default_factory=dict)
    flask: Flask = field(init=False)

    def __post_init__(self) -> None:
        name = f"own-{new_id()[:13]}"
        catalog = self.folder / "catalog.toml"
        text = (ROOT / "catalog.toml").read_text().replace('id = "kaiseki-demo"', f'id = "{name}"')
        catalog.write_text(text + "".join(_product(mood, "after_analysis") for mood in ("good", "refuse", "crash")))
        catalog.write_text(catalog.read_text() + _product("good", "before_analysis", key="test-prepaid"))
        self.settings = self.settings.model_copy(update={"catalog": catalog, "s3_bucket": name})
        self.environment = {**self.environment, "CATALOG": str(catalog), "S3_BUCKET": name}
        self.open_ledger()
        self.portal.storage.set_up()

    @property
    def portal(self) -> Portal:
        """The portal on the ledger that is in use now."""
        found: Portal = self.flask.extensions[EXTENSION]
        return found

    def open_ledger(self, url: str = "") -> None:
        """Begin to use a ledger; a new, empty one where none is given."""
        url = url or self.stack.enter_context(new_database(self.backend, self.database_url, self.folder))
        self.environment = {**self.environment, "DATABASE_URL": url}
        self.flask = create_app(self.settings.model_copy(update={"database_url": SecretStr(url)}))
        self.stack.callback(self.portal.database.engine.dispose)
        self.stack.enter_context(self.flask.app_context())

    def back_up(self) -> str:
        """Copy the ledger as it is now; returns the copy's address."""
        url = self.environment["DATABASE_URL"]
        copy = f"{url}_backup" if self.backend == "postgresql" else url.replace(".sqlite3", "-backup.sqlite3")
        self.portal.database.close()
        if self.backend == "postgresql":
            # The server copies a database only while nobody is connected to it.
            engine = create_engine(self.database_url, isolation_level="AUTOCOMMIT")
            with engine.connect() as connection:
                connection.execute(text(f"CREATE DATABASE {_name(copy)} TEMPLATE {_name(url)}"))
            engine.dispose()
        else:
            with closing(sqlite3.connect(_file(url))) as old, closing(sqlite3.connect(_file(copy))) as new:
                old.backup(new)
        return copy

    def cli(self, *words: str) -> tuple[int, str]:
        """Run `portal ...`; return exit code and what it printed."""
        done = self.flask.test_cli_runner().invoke(args=["portal", *words])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.output

    # --- what customers do

    def browser(self, order: Order) -> FlaskClient:
        """Give the browser that made an order."""
        client = Browser(self.flask, self.flask.response_class)
        client.set_cookie("claim", self.cookies[order.id], domain="127.0.0.1")
        return client

    def upload(self, product: str = "test-good", *, arrives: bool = True, **columns: Any) -> Order:
        """Order, and send the file."""
        claim = new_secret()
        charge = "before_analysis" if product == "test-prepaid" else "after_analysis"
        declared = {"declared_size": len(CSV), "declared_sha256": sha256(CSV).hexdigest()}
        values = {"product": product, "price": 1000, "charge": charge, "claim_hash": digest(claim), **declared}
        order = make_order(self.portal, **values, **columns)
        self.cookies[order.id] = claim
        return self.send(order) if arrives else order

    def send(self, order: Order) -> Order:
        """Send the order's file."""
        self.portal.storage.put(f"incoming/{order.id}/{order.grant}", CSV, "application/octet-stream")
        confirm_upload(order.id)
        conclude(order.id, look(order.id))
        return reload(self.portal, order)

    def analyse(self, order: Order) -> Order:
        """Do the analysis job."""
        assert start(order.id)
        finish(order.id, run_program(order.id))
        return reload(self.portal, order)

    def analysed(self, product: str = "test-good", **columns: Any) -> Order:
        """Order, send the file, have it analysed."""
        return self.analyse(self.upload(product, **columns))

    def begin_to_pay(self, order: Order, method: str = "card", **fields: str) -> str:
        """Press the button; return the Checkout Session."""
        return go_to_stripe(self.browser(order), order, method, **fields)

    def pay_at_stripe(self, order: Order, method: str = "card", **fields: str) -> str:
        """Pay; the portal hears nothing of it."""
        session_id = self.begin_to_pay(order, method, **fields)
        if method == "card":
            self.sandbox.control(f"sessions/{session_id}/pay_card")
        else:
            self.sandbox.control(f"sessions/{session_id}/issue_voucher")
            self.sandbox.control(f"sessions/{session_id}/pay_at_till")
        return session_id

    def bought(self, method: str = "card", **columns: Any) -> tuple[Order, str]:
        """Give an order that is paid and delivered, and its Checkout Session."""
        order = self.analysed(**columns)
        session_id = self.pay_at_stripe(order, method)
        settle(session_id)
        build(order.id)
        return reload(self.portal, order), session_id

    # --- looking

    def rows(self, model: type[Base]) -> dict[str, dict[str, Any]]:
        """Return all rows of a table as they are, by id."""
        with self.portal.database.transaction() as session:
            found = session.scalars(select(model)).all()
            columns = [column.key for column in model.__mapper__.column_attrs]
            return {row.id: {name: getattr(row, name) for name in columns} for row in found}  # type: ignore[attr-defined]

    def payment(self, session_id: str) -> Payment:
        """Read the attempt of a session."""
        with self.portal.database.transaction() as session:
            return session.scalars(select(Payment).where(Payment.session_id == session_id)).one()


def _name(url: str) -> str:
    return url.rpartition("/")[2]


def _file(url: str) -> str:
    return url.removeprefix("sqlite:///")


def _product(mood: str, charge: str, key: str = "") -> str:
    return f"""
[[products]]
key = "{key or f"test-{mood}"}"
name = {{ ja = "試験", en = "Test" }}
summary = {{ ja = "試験", en = "Test" }}
price = 1000
charge = "{charge}"
command = {[sys.executable, str(PROGRAM), mood]!r}
accepts = [".csv"]
max_bytes = 1_000_000
time_limit = 60
memory_limit = {512 * 1024**2}
"""


def companies(
    settings: Settings, environment: dict[str, str], sandbox: Sandbox, backend: str, database_url: str, folder: Path
) -> Iterator[Company]:
    """Open a company, and close it at the end."""
    with ExitStack() as stack:
        yield Company(settings, environment, sandbox, backend, database_url, folder, stack)
