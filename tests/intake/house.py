"""A portal of a test's own, with a bucket whose events come to its queue, and the scanner that the test wants."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr
from sqlalchemy import select

from app import create_app
from app.gateways.queue import Queue
from app.kit.ids import new_id
from app.models import AuditEntry, Mail, Order
from app.portal import EXTENSION, Portal
from app.settings import Settings
from tests.analysis_room.conftest import catalog_with
from tests.conftest import Browser, put_off_schedule
from tests.helpers import Sandbox, reload
from tests.intake.shopper import Shopper
from tests.workers import worker_named

NOTHING = 'scan = "none"'


@dataclass
class House:
    """The portal in this process, and the environment of its other processes."""

    flask: Flask
    environment: dict[str, str]
    folder: Path

    @property
    def portal(self) -> Portal:
        """The portal."""
        found: Portal = self.flask.extensions[EXTENSION]
        return found

    @property
    def queue(self) -> Queue:
        """Its queue."""
        assert self.portal.queue is not None
        return self.portal.queue

    def client(self) -> FlaskClient:
        """Open a browser."""
        return Browser(self.flask, self.flask.response_class)

    def shopper(self) -> "Visitor":
        """Give a customer who orders the test program."""
        return Visitor(self.client(), f"{new_id()[:13]}@example.jp")

    def order(self, order_id: str) -> Order:
        """Read an order as it stands now."""
        return reload(self.portal, Order(id=order_id))

    def jobs(self, name: str, order_id: str) -> list[str]:
        """Return the states of all jobs of this name about an order."""
        found = self.portal.jobs.client.list_workflows(name=name, load_output=False)
        return [job.status for job in found if job.input and job.input["args"][0] == order_id]

    def history(self, order_id: str) -> list[str]:
        """Return the kinds of an order's audit entries, oldest first."""
        with self.portal.database.transaction() as session:
            entries = select(AuditEntry.kind).where(AuditEntry.order_id == order_id).order_by(AuditEntry.id)
            return list(session.scalars(entries))

    def mails(self, order_id: str) -> list[str]:
        """Return the kinds of mails about an order."""
        with self.portal.database.transaction() as session:
            return list(session.scalars(select(Mail.kind).where(Mail.order_id == order_id)))

    def enqueue(self, name: str, subject: str, key: str) -> None:
        """Enqueue a job."""
        with self.portal.database.transaction() as session:
            self.portal.jobs.enqueue(session, name, subject, key=key)

    @contextmanager
    def worker(self) -> Iterator[Popen[bytes]]:
        """Run a real worker, whose scheduled jobs wait for the test to ask."""
        put_off_schedule(self.portal)
        with worker_named(f"intake-{new_id()[:8]}", self.environment, self.folder) as child:
            yield child


class Visitor(Shopper):
    """A customer who orders the test program."""

    def form(self, **changes: str | int | None) -> dict[str, Any]:
        """Return the order form's fields."""
        return super().form(**{"product": "test-good", **changes})


@contextmanager
def house(
    settings: Settings,
    environment: dict[str, str],
    sandbox: Sandbox,
    database_url: str,
    folder: Path,
    *,
    uploads: str = NOTHING,
    events: bool = True,
) -> Iterator[House]:
    """Open a house; `uploads` is what its catalog says of the scanner."""
    name = f"intake-{new_id()[:13]}"
    catalog = catalog_with(folder / f"{name}.toml", ["good"])
    text = catalog.read_text().replace("max_bytes = 1_000_000\n", "max_bytes = 100_000_000\n")
    assert NOTHING in text
    catalog.write_text(text.replace(NOTHING, uploads))
    url = f"{sandbox.s3}/000000000000/{name}" if events else None
    changes = {"catalog": catalog, "s3_bucket": name, "s3_events_queue_url": url}
    names = {"CATALOG": str(catalog), "S3_BUCKET": name, "S3_EVENTS_QUEUE_URL": url or "", "DATABASE_URL": database_url}
    flask = create_app(settings.model_copy(update={**changes, "database_url": SecretStr(database_url)}))
    with flask.app_context():
        here = House(flask, {**environment, **names}, folder)
        done = flask.test_cli_runner().invoke(args=["portal", "storage", "setup"])
        assert done.exit_code == 0, done.output
        yield here
    here.portal.database.close()
