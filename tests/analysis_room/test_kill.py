"""A worker stopped or killed in the middle of an analysis: one result, one mail, nothing left running."""

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from app.models import AuditEntry, Mail, Run
from app.settings import Settings
from tests.analysis_room.conftest import House, catalog_with, house_on, name_of_run, worker
from tests.gateways.boxed import running
from tests.helpers import reload, wait_for

pytestmark = pytest.mark.faults


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """Give a pipe that a program waits at until somebody opens it."""
    tmp_path.chmod(0o755)  # the program is somebody else
    os.mkfifo(tmp_path / "gate")
    return tmp_path / "gate"


@pytest.fixture
def house(
    app: Flask, settings: Settings, environment: dict[str, str], own_database: str, tmp_path: Path, gate: Path
) -> Iterator[House]:
    catalog = catalog_with(tmp_path / "catalog.toml", ("wait",), str(gate))
    with house_on(settings, environment, own_database, catalog) as house:
        yield house


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_a_stopped_worker_runs_the_analysis_again_with_one_outcome(
    house: House, gate: Path, tmp_path: Path, email: str, end: signal.Signals
) -> None:
    portal = house.portal
    order = house.arrived("wait", email)
    log = tmp_path / "worker.log"
    with worker(house.environment, log) as child:
        first = wait_for(lambda: name_of_run(order), 30, "the first run")
        child.send_signal(end)
        child.wait(30)
    wait_for(lambda: running(str(gate)) == [], 40, "the first run to die with its worker")
    assert reload(portal, order).state == "analysing"
    with worker(house.environment, log):
        wait_for(lambda: name_of_run(order) not in {"", first}, 30, "the second run")
        with gate.open("wb"):
            pass  # the program waits for the gate to open and close
        wait_for(lambda: reload(portal, order).state == "analysed", 30, "the analysis")
        with portal.database.transaction() as session:
            kinds = session.scalars(select(AuditEntry.kind).where(AuditEntry.order_id == order.id)).all()
            runs = session.scalars(select(Run).where(Run.order_id == order.id).order_by(Run.started_at)).all()
            mails = session.scalars(select(Mail.kind).where(Mail.order_id == order.id)).all()
        assert (list(kinds).count("work.started"), list(kinds).count("work.analysed")) == (1, 1)
        assert [(run.outcome, run.cause) for run in runs] == [
            ("interrupted", "its worker went away"),
            ("analysed", ""),
        ]
        assert all(run.ended_at for run in runs)
        assert mails == ["choose_payment"]
        previews = dict(portal.storage.list(f"previews/{order.id}/")).keys()
        assert previews == {f"previews/{order.id}/plot.png", f"previews/{order.id}/analysis.json"}
    assert list(Path(tempfile.gettempdir()).glob(f"analysis-{order.id}-*")) == []
