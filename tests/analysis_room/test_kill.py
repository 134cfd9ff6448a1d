"""A worker stopped or killed in the middle of an analysis: one result, one mail, nothing left running."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from pydantic import SecretStr
from sqlalchemy import select

from app import create_app
from app.models import AuditEntry, Mail
from app.portal import EXTENSION, Portal
from app.settings import Settings
from tests.analysis_room.conftest import CSV, catalog_with
from tests.helpers import make_order, process, python, reload, wait_for

pytestmark = pytest.mark.faults


@contextmanager
def worker(environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a job worker until it says that it is ready."""
    seen = log.stat().st_size if log.exists() else 0
    with process(*python("-m", "app.worker", "--name", "kill"), environment=environment, log=log) as child:

        def ready() -> bool:
            assert child.poll() is None, log.read_text()
            return "worker.ready" in log.read_text()[seen:]

        wait_for(ready, 60, "the worker")
        yield child


@dataclass
class House:
    """A portal on a database of its own that sells a program which waits at a gate."""

    portal: Portal
    environment: dict[str, str]
    gate: Path


@pytest.fixture
def house(
    app: Flask,
    settings: Settings,
    environment: dict[str, str],
    own_database: str,
    tmp_path: Path,
) -> Iterator[House]:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    catalog = catalog_with(tmp_path / "catalog.toml", ("wait",), str(gate))
    own = settings.model_copy(update={"catalog": catalog, "database_url": SecretStr(own_database)})
    names = {"CATALOG": str(catalog), "DATABASE_URL": own_database, "MAIL_TRANSPORT": "log"}
    application = create_app(own)
    with application.app_context():
        portal: Portal = application.extensions[EXTENSION]
        yield House(portal, {**environment, **names}, gate)
        portal.database.close()


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_a_stopped_worker_runs_the_analysis_again_with_one_outcome(
    house: House, tmp_path: Path, email: str, end: signal.Signals
) -> None:
    portal = house.portal
    order = make_order(portal, product="test-wait", state="uploaded", email=email)
    portal.storage.put(f"orders/{order.id}.kaiseki", CSV, "application/octet-stream")
    with portal.database.transaction() as session:
        portal.jobs.enqueue(session, "analysis.run", order.id)

    def running() -> int:
        found = list(Path(tempfile.gettempdir()).glob(f"analysis-{order.id}-*/pid-of-run"))
        return int(found[0].read_text() or 0) if found else 0

    log = tmp_path / "worker.log"
    with worker(house.environment, log) as child:
        first = wait_for(running, 30, "the first run")
        child.send_signal(end)
        child.wait(30)
    wait_for(lambda: not Path(f"/proc/{first}").exists(), 10, "the first run to die with its worker")
    assert reload(portal, order).state == "analysing"
    with worker(house.environment, log):
        wait_for(lambda: running() not in {0, first}, 30, "the second run")
        with house.gate.open("wb"):
            pass  # the program waits for the gate to open and close
        wait_for(lambda: reload(portal, order).state == "analysed", 30, "the analysis")
        with portal.database.transaction() as session:
            kinds = session.scalars(select(AuditEntry.kind).where(AuditEntry.order_id == order.id)).all()
            mails = session.scalars(select(Mail.kind).where(Mail.order_id == order.id)).all()
        assert (list(kinds).count("work.started"), list(kinds).count("work.analysed")) == (1, 1)
        assert mails == ["choose_payment"]
        previews = dict(portal.storage.list(f"previews/{order.id}/")).keys()
        assert previews == {f"previews/{order.id}/plot.png", f"previews/{order.id}/analysis.json"}
    assert list(Path(tempfile.gettempdir()).glob(f"analysis-{order.id}-*")) == []
