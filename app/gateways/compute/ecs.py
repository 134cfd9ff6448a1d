"""Amazon ECS: starting, looking at and stopping tasks on Fargate. The one module that imports boto3 for it.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html, API_Task.html,
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html (a client token holds for 24 hours, or
for an hour longer than its task lives where that is less) and
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html (sizes).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from app.errors import ComputeDownError
from app.gateways.compute.engine import Work
from app.gateways.storage import DEMO_KEYS
from app.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import TaskTypeDef

CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 20
ATTEMPTS = 4
CONTAINER = "analysis"  # what task definitions call the container of the program
SPOT_ATTEMPTS = 2
NO_ROOM = "Capacity is unavailable"
MIB, GIB = 1024**2, 1024**3
RUNNER_BYTES = 256 * MIB  # what deploy/fargate/runner.py needs beside the program
IMAGE_BYTES = 4 * GIB  # the image lies on the task's disk, too
DISK_GIB = (20, 200)  # what a task has by itself, and at most
# CPU units with the least and most memory and its steps, all in MiB.
SIZES = (
    (256, 512, 512, 512),
    (256, 1024, 2048, 1024),
    (512, 3072, 4096, 1024),
    (1024, 5120, 8192, 1024),
    (2048, 9216, 16384, 1024),
    (4096, 17408, 30720, 1024),
    (8192, 32768, 61440, 4096),
    (16384, 65536, 122880, 8192),
)


class NoCapacityError(Exception):
    """Fargate has no room for a task now; the text is ECS's own reason."""


@dataclass(frozen=True)
class Task:
    """A task as ECS tells it: its states https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html."""

    arn: str
    status: str
    created_at: datetime | None
    started_at: datetime | None
    stop_code: str
    reason: str  # why it stopped, in ECS's words: of the task and of its container
    exit_code: int | None  # of the container; None where it never ran

    @property
    def stopped(self) -> bool:
        """Whether it is over."""
        return self.status in {"STOPPED", "DELETED"}


class Ecs:
    """One cluster."""

    def __init__(self, settings: Settings) -> None:
        """Open a client; nothing is sent yet."""
        self._cluster = settings.ecs_cluster or ""
        self._network = {
            "subnets": settings.ecs_subnets,
            "securityGroups": settings.ecs_security_groups,
            "assignPublicIp": "ENABLED" if settings.ecs_public_ip else "DISABLED",
        }
        self._place = {"RUN_BUCKET": settings.s3_bucket, "RUN_REGION": settings.aws_region}
        config = Config(
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
        )
        keys: dict[str, Any] = {} if settings.portal_env == "production" else DEMO_KEYS
        session = boto3.session.Session(region_name=settings.aws_region, **keys)
        self._ecs = session.client("ecs", endpoint_url=settings.ecs_endpoint_url, config=config)

    def start(self, work: Work, input_bytes: int) -> str:
        """Start the task of a run and return its ARN; asked again for the same run, the same task.

        Raises NoCapacityError, ComputeDownError.
        """
        with _named():
            try:
                answer = self._ecs.run_task(**self._request(work, input_bytes))
            except self._ecs.exceptions.ConflictException as error:
                # The token was used with other values, such as the limits of an older catalog: it is the same run.
                known = cast("dict[str, list[str]]", error.response).get("resourceIds")
                if known:
                    return known[0]
                raise
            except ClientError as error:
                if NO_ROOM in error.response["Error"].get("Message", ""):
                    raise NoCapacityError(error.response["Error"]["Message"]) from error
                raise
        if not answer["tasks"]:
            raise NoCapacityError("; ".join(failure.get("reason", "?") for failure in answer["failures"]))
        return answer["tasks"][0]["taskArn"]

    def look(self, arn: str) -> Task | None:
        """Return a task as it is now; None where ECS knows none (it forgets one an hour after its end)."""
        with _named():
            found = self._ecs.describe_tasks(cluster=self._cluster, tasks=[arn])["tasks"]
        return _task(found[0]) if found else None

    def stop(self, arn: str, reason: str) -> None:
        """Ask for a task's end: SIGTERM, and SIGKILL after the task definition's stopTimeout."""
        with _named():
            self._ecs.stop_task(cluster=self._cluster, task=arn, reason=reason)

    def wrong(self) -> str | None:
        """Say what is wrong with the cluster, None where it is fit."""
        with _named():
            found = self._ecs.describe_clusters(clusters=[self._cluster])["clusters"]
        if not found or found[0].get("status") != "ACTIVE":
            return f"there is no cluster {self._cluster}"
        missing = {"FARGATE", "FARGATE_SPOT"} - set(found[0].get("capacityProviders", []))
        return f"the cluster {self._cluster} lacks {' and '.join(sorted(missing))}" if missing else None

    def _request(self, work: Work, input_bytes: int) -> Any:  # noqa: ANN401  (boto3 checks it)
        cpu, memory = size_for(work.memory_limit)
        environment = {
            **work.environment,
            "RUN_ID": work.run_id,
            **self._place,
            "RUN_SOURCE": work.source,
            "RUN_TIME_LIMIT": str(work.time_limit),
            "RUN_MEMORY_LIMIT": str(work.memory_limit),
            "RUN_DISK_LIMIT": str(work.disk_limit),
        }
        container = {
            "name": CONTAINER,
            "command": list(work.command),
            "environment": [{"name": name, "value": value} for name, value in sorted(environment.items())],
        }
        disk = min(DISK_GIB[1], -(-(input_bytes + work.disk_limit + IMAGE_BYTES) // GIB))
        more = {"ephemeralStorage": {"sizeInGiB": disk}} if disk > DISK_GIB[0] else {}
        return {
            "cluster": self._cluster,
            "taskDefinition": work.task,
            "clientToken": work.run_id,
            "startedBy": work.run_id,
            "capacityProviderStrategy": [
                # No fallback by weights: they share tasks out, and what finds no room on Spot is not started elsewhere.
                {"capacityProvider": "FARGATE_SPOT" if work.attempt <= SPOT_ATTEMPTS else "FARGATE", "weight": 1}
            ],
            "networkConfiguration": {"awsvpcConfiguration": self._network},
            "overrides": {"cpu": str(cpu), "memory": str(memory), "containerOverrides": [container], **more},
        }


def size_for(memory_limit: int) -> tuple[int, int]:
    """Return CPU units and MiB of memory of the smallest task whose program may have `memory_limit` bytes."""
    wanted = -(-(memory_limit + RUNNER_BYTES) // MIB)
    for cpu, least, most, step in SIZES:
        if wanted <= most:
            return cpu, max(least, -(-wanted // step) * step)
    return SIZES[-1][0], SIZES[-1][2]


def _task(found: "TaskTypeDef") -> Task:
    container = next((one for one in found.get("containers", []) if one.get("name") == CONTAINER), None) or {}
    reasons = (found.get("stoppedReason"), container.get("reason"))
    return Task(
        arn=found["taskArn"],
        status=found["lastStatus"],
        created_at=found.get("createdAt"),
        started_at=found.get("startedAt"),
        stop_code=found.get("stopCode", ""),
        reason="; ".join(reason for reason in reasons if reason),
        exit_code=container.get("exitCode"),
    )


@contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise ComputeDownError(str(error)[:300]) from error
