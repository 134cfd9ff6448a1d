"""The whole way through a real worker with COMPUTE=fargate: an order's file becomes preview and result."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from sqlalchemy import select

from app.gateways.queue import Queue
from app.gateways.storage import DEMO_KEYS
from app.kit.ids import new_id
from app.models import Mail, Order, Run
from app.portal import Portal
from app.settings import Settings
from tests.analysis_room.conftest import CSV, catalog_with, house_on, worker
from tests.fargate.agent import REGION, TASK, Agent
from tests.fargate.conftest import compute_names
from tests.helpers import Sandbox, make_order, reload, wait_for

pytestmark = pytest.mark.faults


@dataclass
class House:
    """A portal on a database and a bucket of its own, whose analyses run on the tests' cluster."""

    portal: Portal
    environment: dict[str, str]
    gate: Path
    log: Path

    def order(self, product: str) -> Order:
        """Make an order of a product whose file has come, and enqueue its analysis."""
        order = make_order(self.portal, product=product, state="uploaded", scan="unscanned")
        self.portal.storage.put(f"orders/{order.id}.kaiseki", CSV, "application/octet-stream")
        with self.portal.database.transaction() as session:
            self.portal.jobs.enqueue(session, "analysis.run", order.id)
        return order

    def runs(self, order: Order) -> list[Run]:
        """Return an order's runs, oldest first."""
        with self.portal.database.transaction() as session:
            return [*session.scalars(select(Run).where(Run.order_id == order.id).order_by(Run.started_at))]

    def reaches(self, order: Order, *states: str) -> Order:
        """Wait until the analysis of an order is over in one of these states."""
        wait_for(lambda: reload(self.portal, order).state in states, 90, f"{order.product} to be {' or '.join(states)}")
        return reload(self.portal, order)

    def keys(self, prefix: str) -> list[str]:
        return [key for key, _size in self.portal.storage.list(prefix)]

    def mails(self, order: Order) -> list[str]:
        with self.portal.database.transaction() as session:
            return [*session.scalars(select(Mail.kind).where(Mail.order_id == order.id))]


@pytest.fixture
def house(
    agent: Agent,
    settings: Settings,
    environment: dict[str, str],
    own_database: str,
    tmp_path: Path,
) -> Iterator[House]:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    catalog = catalog_with(tmp_path / "catalog.toml", ("wait", "refuse", "crash", "link"), str(gate))
    catalog.write_text(catalog.read_text().replace("\ncommand = ", f'\ntask = "{TASK}"\ncommand = '))
    names = {**compute_names(agent), "S3_BUCKET": f"fargate-{new_id()[:13]}"}
    changes: dict[str, Any] = {name.lower(): value for name, value in names.items()}
    changes |= {name: changes[name].split(",") for name in ("ecs_subnets", "ecs_security_groups")}
    with house_on(settings.model_copy(update=changes), {**environment, **names}, own_database, catalog) as opened:
        opened.portal.storage.set_up()
        yield House(opened.portal, opened.environment, gate, tmp_path / "worker.log")


@pytest.fixture
def events(house: House, agent: Agent, sandbox: Sandbox) -> Callable[[], list[Any]]:
    """Let the cluster tell of stopped tasks on a queue, as EventBridge does; returns what was not taken off it."""
    url = f"{sandbox.s3}/000000000000/{house.environment['S3_BUCKET']}"
    queue = Queue(house.portal.settings, url)
    queue.set_up(house.environment["S3_BUCKET"])
    house.environment["S3_EVENTS_QUEUE_URL"] = url
    keys: dict[str, Any] = DEMO_KEYS
    sqs = boto3.session.Session(region_name=REGION, **keys).client("sqs", endpoint_url=sandbox.s3)
    agent.on_stop = lambda event: sqs.send_message(QueueUrl=url, MessageBody=json.dumps(event))
    return lambda: queue.receive(0)


def test_from_the_file_to_preview_and_result(house: House, agent: Agent, events: Callable[[], list[Any]]) -> None:
    """The sample program and the test's own, with their exit codes; nothing of the runs stays in the store."""
    with worker(house.environment, house.log):
        orders = {name: house.order(name) for name in ("csv-profile", "test-refuse", "test-crash", "test-link")}
        done = {name: house.reaches(order, "analysed", "rejected", "failed") for name, order in orders.items()}
        wait_for(lambda: all(run.task_state for order in done.values() for run in house.runs(order)), 30, "events")
    assert {name: order.state for name, order in done.items()} == {
        "csv-profile": "analysed",
        "test-refuse": "rejected",
        "test-crash": "failed",
        "test-link": "failed",
    }
    assert done["test-refuse"].reason == {"ja": "表ではありません。", "en": "This is no table."}
    sample = done["csv-profile"]
    assert sample.preview is not None
    assert (sample.progress, len(sample.sha256 or "")) == (100, 64)
    assert f"previews/{sample.id}/{sample.preview['image']}" in house.keys(f"previews/{sample.id}/")
    assert house.keys(f"results/{sample.id}/run/")
    assert house.mails(sample) == ["choose_payment"]
    told = {}
    for name, order in done.items():
        [run] = house.runs(order)
        told[name] = (run.outcome, run.exit_code)
        assert (run.engine, run.program, run.task_state) == ("fargate", TASK, "STOPPED")
        assert run.task in agent.tasks
        assert run.peak_memory
        assert run.log is not None
        assert house.keys(f"results/{order.id}/run/") == [] or name == "csv-profile"
    assert told == {
        "csv-profile": ("analysed", 0),
        "test-refuse": ("rejected", 65),
        "test-crash": ("failed", 1),
        "test-link": ("failed", 0),
    }
    assert len(agent.tasks) == 4
    assert house.keys("runs/") == []
    assert events() == []


@pytest.mark.usefixtures("events")
def test_spot_takes_the_machine_away(house: House, agent: Agent) -> None:
    """Each interruption is a run of its own; the third task is where nobody takes it away."""
    with worker(house.environment, house.log):
        order = house.order("test-wait")
        for count in (1, 2):
            wait_for(lambda count=count: len(agent.running()) == 1 and len(agent.tasks) == count, 40, "the task")  # type: ignore[misc]
            agent.end(agent.running()[0], "SpotInterruption", "Your Spot Task was interrupted.")
        wait_for(lambda: len(agent.tasks) == 3, 40, "the third task")
        with house.gate.open("wb"):
            pass
        house.reaches(order, "analysed", "failed")
    assert [run.outcome for run in house.runs(order)] == ["interrupted", "interrupted", "analysed"]
    assert house.runs(order)[0].cause == "SpotInterruption: Your Spot Task was interrupted."
    providers = [body["capacityProviderStrategy"][0]["capacityProvider"] for body in agent.called("RunTask")]
    assert providers == ["FARGATE_SPOT", "FARGATE_SPOT", "FARGATE"]
    assert house.mails(order) == ["choose_payment"]
    assert house.keys("runs/") == []


@pytest.mark.usefixtures("events")
def test_a_cancelled_order_stops_its_task(house: House, agent: Agent) -> None:
    with worker(house.environment, house.log):
        order = house.order("test-wait")
        wait_for(agent.running, 40, "the task")
        with house.portal.database.transaction() as session:
            session.get_one(Order, order.id).cancel_asked_at = house.portal.clock()
        [stopped] = wait_for(lambda: agent.called("StopTask"), 30, "StopTask")[:1]
        wait_for(lambda: [run.outcome for run in house.runs(order)] == ["cancelled"], 30, "the end of the run")
    [run] = house.runs(order)
    assert stopped["task"] == run.task
    assert agent.running() == []
    assert house.keys(f"results/{order.id}/run/") == []


def test_a_worker_killed_in_the_middle_finds_its_task(house: House, agent: Agent) -> None:
    """One task, one run, one result; no queue of events here, so the end is seen by looking."""
    with worker(house.environment, house.log) as child:
        order = house.order("test-wait")
        wait_for(agent.running, 40, "the task")
        wait_for(lambda: [run.task for run in house.runs(order)] == agent.running(), 40, "its name to be kept")
        child.kill()
        child.wait(30)
    [arn] = agent.running()
    with worker(house.environment, house.log):
        looks = len(agent.called("DescribeTasks"))
        wait_for(lambda: len(agent.called("DescribeTasks")) > looks, 60, "the second worker to look")
        with house.gate.open("wb"):
            pass
        house.reaches(order, "analysed", "failed")
    assert [(run.task, run.outcome) for run in house.runs(order)] == [(arn, "analysed")]
    assert len(agent.called("RunTask")) == 1
    assert house.mails(order) == ["choose_payment"]
    assert house.keys("runs/") == []
