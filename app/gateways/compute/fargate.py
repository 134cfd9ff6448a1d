"""The engine `fargate`: each run is a task on AWS Fargate, with input and output in the object store.

What happens in the container is deploy/fargate/runner.py, which this module knows only by what it leaves below
`runs/<run id>/`. A task outlives the worker that waits for it: whoever repeats the run finds the same task.
"""

import os
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

import structlog
from pydantic import BaseModel, ConfigDict, Field

from app.errors import ComputeDownError, StorageDownError
from app.gateways.compute.ecs import SPOT_ATTEMPTS, Ecs, NoCapacityError
from app.gateways.compute.engine import LOG_BYTES, Ended, Finished, Level, Work
from app.gateways.compute.watch import POLL_S, Watch
from app.gateways.storage import NoSuchObjectError, Storage
from app.settings import Settings

END_BYTES = 8 * 1024**2
MAX_FILES = 10_000
OUT_OF_MEMORY = "OutOfMemory"  # how ECS begins the reason of a container that was killed for it

log = structlog.get_logger()


class End(BaseModel):
    """`end.json`: how the runner says that a run ended."""

    model_config = ConfigDict(strict=True, frozen=True)

    ended: Literal["exited", "timed_out", "out_of_memory", "out_of_disk", "input_gone"]
    exit_code: int | None
    log_tail: str
    input_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None
    peak_memory: int | None
    files: dict[str, int]
    odd: list[str]


class Fargate:
    """Runs programs as tasks of one ECS cluster."""

    name = "fargate"
    outlives_worker = True

    def __init__(self, settings: Settings, storage: Storage) -> None:
        """Take the cluster from the settings; nothing is sent yet."""
        self._ecs = Ecs(settings)
        self._events = settings.s3_events_queue_url
        self._storage = storage

    def run(self, work: Work) -> Finished:
        """Run a program to its end; raises ComputeDownError and StorageDownError where it is worth another try.

        Asked again for the same run it waits for the task that is there, or takes what that one has left.
        """
        return self._left(work) or self._wait(work)

    def clear(self, run_id: str) -> None:
        """Remove what a run has stored, for good; a rule of the bucket does it where this fails."""
        try:
            self._storage.purge(f"runs/{run_id}/")
        except StorageDownError:
            log.warning("fargate.not_cleared", run=run_id, exc_info=True)

    def check(self) -> list[tuple[Level, str]]:
        """Say what `portal check` shows of this engine."""
        lines: list[tuple[Level, str]] = []
        try:
            wrong = self._ecs.wrong()
        except ComputeDownError as error:
            wrong = f"{error.reason}. Check AWS_REGION, ECS_CLUSTER and credentials."
        lines.append(("fail", f"Fargate: {wrong}") if wrong else ("ok", "Fargate: the cluster is there"))
        if not self._events:
            lines.append(
                ("warn", f"Fargate: without S3_EVENTS_QUEUE_URL the end of a task is seen {POLL_S:.0f} s late")
            )
        return lines

    def _left(self, work: Work) -> Finished | None:
        """Return how the run ended where it ended while nobody waited: ECS may have forgotten its task meanwhile."""
        stored = self._stored(work)
        return self._take(work, stored) if "end.json" in stored else None

    def _wait(self, work: Work) -> Finished:
        arn = work.begun
        if arn is None:
            try:
                size = self._storage.head(work.source).size
                arn = self._ecs.start(work, size)
            except NoSuchObjectError:
                return Finished("input_gone")
            except NoCapacityError as error:
                if work.attempt > SPOT_ATTEMPTS:  # nowhere: it is time that helps
                    raise ComputeDownError(str(error)) from error
                return Finished("interrupted", log_tail=f"no room on Fargate Spot: {error}")
            work.on_task(arn)
        stopped = Watch(self._ecs, self._storage, work, arn).wait()
        return Finished(stopped) if stopped else self._judge(work, arn)

    def _judge(self, work: Work, arn: str) -> Finished:
        """Say how a task ended that has stopped, or that ECS does not know."""
        stored = self._stored(work)
        if "end.json" in stored:
            return self._take(work, stored)
        task = self._ecs.look(arn)
        if task is None:
            return Finished("interrupted", log_tail=f"ECS does not know {arn}")
        ended: Ended = "out_of_memory" if OUT_OF_MEMORY in task.reason else "interrupted"
        return Finished(ended, task.exit_code, f"{task.stop_code}: {task.reason}"[:LOG_BYTES])

    def _stored(self, work: Work) -> dict[str, int]:
        """Return names and sizes in bytes of what the run has stored."""
        prefix = f"runs/{work.run_id}/"
        return {key.removeprefix(prefix): size for key, size in self._storage.list(prefix)}

    def _take(self, work: Work, stored: dict[str, int]) -> Finished:
        """Fetch the output of a run that came to its end."""
        prefix = f"runs/{work.run_id}/"
        try:
            _small(stored["end.json"])
            end = End.model_validate_json(self._storage.get(f"{prefix}end.json"))
            _complete(end, stored)
        except ValueError as error:  # ValidationError is one
            return Finished("interrupted", log_tail=f"the runner's end.json: {error}"[:LOG_BYTES])
        finished = Finished(end.ended, end.exit_code, end.log_tail[-LOG_BYTES:], end.input_sha256, end.peak_memory)
        if sum(end.files.values()) > work.disk_limit:
            return Finished("out_of_disk", end.exit_code, end.log_tail[-LOG_BYTES:], end.input_sha256, end.peak_memory)
        for name in end.files:
            path = _inside(work.output, name)
            self._storage.download(f"{prefix}output/{name}", path)
        for name in end.odd:
            # Stands for what the program left and S3 can't hold; whoever judges the output sees that it is no file.
            os.mkfifo(_inside(work.output, name))
        return finished


def _small(size: int) -> None:
    if size > END_BYTES:
        raise ValueError("too large")


def _complete(end: End, stored: dict[str, int]) -> None:
    """Raise ValueError where not all is there that the runner says it has stored, or a name leads elsewhere."""
    if len(end.files) + len(end.odd) > MAX_FILES:
        raise ValueError("too many files")
    for name, size in end.files.items():
        if stored.get(f"output/{name}") != size:
            raise ValueError(f"output/{name!a} is not there as it was stored")
    for name in (*end.files, *end.odd):
        parts = PurePosixPath(name).parts
        if not parts or parts[0] == "/" or ".." in parts or "\0" in name:
            raise ValueError(f"output/{name!a} is no name")


def _inside(folder: Path, name: str) -> Path:
    """Return the path of a name below a folder, its parents made."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
