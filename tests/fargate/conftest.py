"""A cluster of the tests, and the settings that lead to it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.gateways.compute import Work
from app.gateways.compute.fargate import Fargate
from app.gateways.storage import Storage
from app.kit.ids import new_id
from app.settings import Settings
from tests.conftest import SECRET, WEBHOOK_SECRET
from tests.fargate.agent import CLUSTER, TASK, Agent, serving
from tests.fargate.looks import CSV, PROGRAM
from tests.helpers import Sandbox, python

BUCKET = "fargate-alone"


@pytest.fixture
def agent(sandbox: Sandbox, tmp_path: Path) -> Iterator[Agent]:
    """Give a cluster without tasks; what its containers say is in `log` of the test's folder."""
    task_role = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    environment = {"AWS_ENDPOINT_URL_S3": sandbox.s3, **task_role}
    with serving(Agent(tmp_path, environment)) as started:
        yield started


def compute_names(agent: Agent) -> dict[str, str]:
    """Return the part of the environment that says where analyses run."""
    return {
        "COMPUTE": "fargate",
        "ECS_CLUSTER": CLUSTER,
        "ECS_SUBNETS": "subnet-a,subnet-b",
        "ECS_SECURITY_GROUPS": "sg-1",
        "ECS_ENDPOINT_URL": agent.url,
    }


@pytest.fixture
def settings_alone(agent: Agent, sandbox: Sandbox) -> Settings:
    """Give settings of an engine that needs no database."""
    names = {
        "portal_env": "test",
        "database_url": "sqlite://",
        "secret_key": SECRET,
        "public_url": "http://127.0.0.1:8000",
        "stripe_api_key": "sk_test_dummy",
        "stripe_webhook_secrets": WEBHOOK_SECRET,
        "s3_bucket": BUCKET,
        "s3_endpoint_url": sandbox.s3,
        "mail_transport": "log",
        "mail_from": "no-reply@kaiseki.example",
        **{name.lower(): value for name, value in compute_names(agent).items()},
    }
    return Settings.model_validate(names)


@pytest.fixture
def storage(settings_alone: Settings) -> Storage:
    """Give the bucket of the engine's tests."""
    store = Storage(settings_alone)
    store.set_up()
    return store


@pytest.fixture
def engine(settings_alone: Settings, storage: Storage, monkeypatch: pytest.MonkeyPatch) -> Fargate:
    """Give the engine; it looks at its tasks all the time."""
    for name, seconds in (("TICK_S", 0.02), ("POLL_S", 0.05), ("HURRY_S", 0.05)):
        monkeypatch.setattr(f"app.gateways.compute.watch.{name}", seconds)
    return Fargate(settings_alone, storage)


@pytest.fixture
def work(storage: Storage, tmp_path: Path) -> Callable[..., Work]:
    """Return a function that makes work of a mood of the test program, its input stored."""

    def make(*mood: str, **changes: Any) -> Work:
        order = new_id()
        storage.put(f"orders/{order}.kaiseki", CSV, "application/octet-stream")
        run = new_id()
        output = tmp_path / run / "output"
        output.mkdir(parents=True)
        given = {
            "run_id": run,
            "order_id": order,
            "command": python(PROGRAM, *mood),
            "task": TASK,
            "source": f"orders/{order}.kaiseki",
            "output": output,
            "environment": {"FILENAME": "売上.csv", "LOCALE": "ja", "ORDER_ID": order},
            "time_limit": 60,
            "memory_limit": 512 * 1024**2,
            "disk_limit": 1024**3,
            "on_progress": lambda _percent: None,
            "should_stop": lambda: False,
            "on_task": lambda _task: None,
            "task_ended": lambda: False,
        }
        return Work(**{**given, **changes})

    return make
