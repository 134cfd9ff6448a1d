"""What every engine is asked to do, and what it answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

CANNOT_ANALYSE = 65  # EX_DATAERR of sysexits.h: the program's word for "not a file that I can analyse"
LOG_LINES = 200
LOG_BYTES = 20_000

Ended = Literal[
    "exited",  # by itself: `exit_code` says how
    "timed_out",
    "out_of_memory",
    "out_of_disk",
    "too_many_processes",
    "cancelled",  # `should_stop` said so
    "interrupted",  # its machine or its task went away, nobody's fault: it may be run again
    "input_gone",  # there is no frozen input
]


@dataclass(frozen=True)
class Work:
    """One run of a product's program on an order's frozen input.

    `source` is the key of the input in the object store. `output` is an empty folder of this machine that the engine
    fills; its parent is the run's own, too, and the caller removes it. `environment` has FILENAME, LOCALE and
    ORDER_ID; the engine adds INPUT, OUTPUT and TMPDIR. Limits are in seconds and bytes; `disk_limit` counts all that
    the program writes.

    `on_progress` gets percents as the program tells them. `should_stop` is asked at least once a second; True: cancel.
    `on_task` is told the engine's own name for the run as soon as there is one (ECS: the task's ARN), `task_ended` is
    True when an event said that the task has stopped: look now.

    `begun` is such a name that a worker which went away was told for this very run (same `run_id`): the engine goes on
    waiting for it and starts no second one. `attempt` counts this order's runs from 1: after interruptions the engine
    may choose a place that is not interrupted.
    """

    run_id: str
    order_id: str
    command: Sequence[str]
    task: str | None
    source: str
    output: Path
    environment: dict[str, str]
    time_limit: int
    memory_limit: int
    disk_limit: int
    on_progress: Callable[[int], None]
    should_stop: Callable[[], bool]
    on_task: Callable[[str], None]
    task_ended: Callable[[], bool]
    begun: str | None = None
    attempt: int = 1


@dataclass(frozen=True)
class Finished:
    """How a run ended.

    `exit_code` is None where the program was not started or its end was not seen, minus the signal where one killed
    it. `log_tail` has the last lines that it wrote (LOG_LINES, LOG_BYTES), `input_sha256` the checksum in hex of the
    input that it was given, `peak_memory` the most memory in bytes that it held; None: not known.
    """

    ended: Ended
    exit_code: int | None = None
    log_tail: str = ""
    input_sha256: str | None = None
    peak_memory: int | None = None


Level = Literal["ok", "warn", "fail"]


class Engine(Protocol):
    """Runs programs somewhere."""

    @property
    def name(self) -> str:
        """What the Run row calls it: `local` or `fargate`."""

    @property
    def outlives_worker(self) -> bool:
        """Whether a run goes on when the worker that began it has died: then it is the same Run that is waited for."""

    def run(self, work: Work) -> Finished:
        """Run a program to its end; raises StorageDownError or ComputeDownError where it is worth another try."""

    def clear(self, run_id: str) -> None:
        """Remove what a run has left outside `work.output`, once it is written down how it ended."""

    def check(self) -> list[tuple[Level, str]]:
        """Say what `portal check` shows of this engine: is it fit to run programs, and what is to do."""


def progress_of(line: str) -> int | None:
    """Return the percent that a line of the program's output tells (`progress 40 counting`), 0 to 100."""
    words = line.split()
    if len(words) > 1 and words[0] == "progress" and words[1].isascii() and words[1].isdigit():
        return min(100, int(words[1]))
    return None
