"""Waiting for a task on Fargate, and stopping it where it must not go on."""

import time

import structlog

from app.errors import ComputeDownError, StorageDownError
from app.gateways.compute.ecs import Ecs, Task
from app.gateways.compute.engine import Ended, Work
from app.gateways.storage import NoSuchObjectError, Storage
from app.kit.clock import system_clock

TICK_S = 1.0
POLL_S = 15.0  # between two looks at a task of which no event told: a hundred tasks are seven calls a second
HURRY_S = 2.0  # the same when an event told that it has stopped, or when we have asked for that
STOP_WAIT_S = 150.0  # a container is killed at most 120 s after SIGTERM
UNKNOWN_WAIT_S = 300.0  # ECS may know a new task only after a while ("eventual consistency", API_RunTask.html)
DOWN_WAIT_S = 600.0
START_LIMIT_S = 900  # for finding a machine and fetching the image
MOVE_LIMIT_S = 1800  # for input and output, beside the program's own time

log = structlog.get_logger()


class Watch:
    """One task that somebody waits for."""

    def __init__(self, ecs: Ecs, storage: Storage, work: Work, arn: str) -> None:
        self._ecs = ecs
        self._storage = storage
        self._work = work
        self._arn = arn
        self._told = time.monotonic()  # when ECS last told of the task
        self._percent = 0
        self._stopping: Ended | None = None

    def wait(self) -> Ended | None:
        """Wait until the task is over; returns why it was stopped from here, None where it ended by itself.

        Raises ComputeDownError where ECS could not be asked for ten minutes.
        """
        looked, give_up = float("-inf"), float("inf")
        while time.monotonic() < give_up:
            if self._stopping is None and self._work.should_stop():
                self._stopping = "cancelled"
            hurry = self._stopping is not None or self._work.task_ended()
            if time.monotonic() - looked > (HURRY_S if hurry else POLL_S):
                looked = time.monotonic()
                if self._over():
                    break
            if self._stopping and give_up == float("inf"):
                give_up = time.monotonic() + STOP_WAIT_S
            time.sleep(TICK_S)
        return self._stopping

    def _over(self) -> bool:
        """Look at the task, and stop it where that is due; returns whether there is nothing to wait for any more."""
        try:
            task = self._ecs.look(self._arn)
            if task is not None:
                self._told = time.monotonic()
                self._stopping = self._stopping or _overdue(task, self._work)
                if self._stopping and not task.stopped:
                    self._ecs.stop(self._arn, self._stopping)
        except ComputeDownError:
            log.warning("fargate.ecs_down", task=self._arn, exc_info=True)
            if time.monotonic() - self._told > DOWN_WAIT_S:
                raise
            return False
        if task is None:
            return time.monotonic() - self._told > UNKNOWN_WAIT_S
        if task.status == "RUNNING":
            self._report()
        return task.stopped

    def _report(self) -> None:
        """Pass the progress on that the runner has stored."""
        try:
            text = self._storage.get(f"runs/{self._work.run_id}/progress")[:3]
        except (NoSuchObjectError, StorageDownError):
            return
        if text.isdigit() and int(text) != self._percent:
            self._percent = int(text)
            self._work.on_progress(min(100, self._percent))


def _overdue(task: Task, work: Work) -> Ended | None:
    """Say what a task has become that should have ended by itself: the runner keeps the program's time limit."""
    now = system_clock()
    if task.started_at:
        late = (now - task.started_at).total_seconds() > work.time_limit + MOVE_LIMIT_S
        return "timed_out" if late else None
    late = task.created_at is not None and (now - task.created_at).total_seconds() > START_LIMIT_S
    return "interrupted" if late else None
