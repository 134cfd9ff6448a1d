"""The calls to ECS against an emulator that others wrote: what we send is understood, what it answers is read.

It runs no container here (that would need Docker): a task runs until it is stopped.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from app.errors import ComputeDownError
from app.gateways.compute.ecs import Ecs
from app.gateways.storage import DEMO_KEYS
from app.settings import Settings
from tests.fargate.agent import CLUSTER, REGION, TASK
from tests.helpers import answers, free_port, process, python, wait_for


@pytest.fixture(scope="module")
def emulator(folder: Path) -> Iterator[str]:
    """Run ministack's ECS, with our cluster and task definition in it."""
    port = free_port()
    environment = {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "SERVICES": "ecs",
        "LOG_LEVEL": "WARNING",
    }
    url = f"http://127.0.0.1:{port}"
    log = folder / "ministack-ecs.log"
    with process(*python("-m", "ministack"), environment=environment, log=log) as child:

        def up() -> bool:
            assert child.poll() is None, log.read_text()
            return answers(f"{url}/_ministack/health")

        wait_for(up, 60, "ministack")
        keys: dict[str, Any] = DEMO_KEYS
        ecs = boto3.session.Session(region_name=REGION, **keys).client("ecs", endpoint_url=url)
        ecs.create_cluster(clusterName=CLUSTER, capacityProviders=["FARGATE", "FARGATE_SPOT"])
        ecs.register_task_definition(
            family=TASK,
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="1024",
            memory="5120",
            containerDefinitions=[{"name": "analysis", "image": "kaiseki-analyses:1", "essential": True}],
        )
        yield url


@pytest.fixture
def ecs(emulator: str, settings_alone: Settings) -> Ecs:
    return Ecs(settings_alone.model_copy(update={"ecs_endpoint_url": emulator}))


def test_a_task_from_start_to_stop(ecs: Ecs, work: Any) -> None:
    arn = ecs.start(work("show"), 1_000_000)
    task = ecs.look(arn)
    assert task is not None
    assert (task.arn, task.status, task.stopped) == (arn, "RUNNING", False)
    assert task.created_at is not None
    ecs.stop(arn, "cancelled")
    task = ecs.look(arn)
    assert task is not None
    assert (task.stopped, task.stop_code, task.reason) == (True, "UserInitiated", "cancelled")


def test_what_is_not_there(ecs: Ecs, work: Any) -> None:
    unknown = f"arn:aws:ecs:{REGION}:000000000000:task/{CLUSTER}/0123456789abcdef0123456789abcdef"
    assert ecs.look(unknown) is None
    with pytest.raises(ComputeDownError, match="task definition"):
        ecs.start(work("show", task="nobody"), 1)
    with pytest.raises(ComputeDownError, match="not found"):
        ecs.stop(unknown, "cancelled")


def test_the_cluster(ecs: Ecs, emulator: str, settings_alone: Settings) -> None:
    assert ecs.wrong() is None
    other = Ecs(settings_alone.model_copy(update={"ecs_endpoint_url": emulator, "ecs_cluster": "other"}))
    assert other.wrong() == "there is no cluster other"
