"""What the tests of the engine look at, and a run in the background."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.gateways.compute import Finished, Work
from app.gateways.compute.fargate import Fargate
from app.gateways.storage import Storage
from tests.fargate.agent import Agent
from tests.helpers import wait_for

PROGRAM = str(Path(__file__).with_name("program.py"))
SAMPLE = str(Path(__file__).parents[1] / "analysis_room/program.py")
CSV = b"day,sold\n2026-11-01,3\n2026-11-02,5\n"


def stored(storage: Storage, work: Work) -> list[str]:
    return [key.removeprefix(f"runs/{work.run_id}/") for key, _size in storage.list(f"runs/{work.run_id}/")]


def names(work: Work) -> list[str]:
    return sorted(path.relative_to(work.output).as_posix() for path in work.output.rglob("*") if not path.is_dir())


def gone(pid: int) -> bool:
    try:
        return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return True


@contextmanager
def started(engine: Fargate, agent: Agent, work: Work) -> Iterator[list[Finished | Exception]]:
    """Run work in the background while something happens to its task; its end is in the list behind the block."""
    ends: list[Finished | Exception] = []

    def run() -> None:
        try:
            ends.append(engine.run(work))
        except Exception as error:  # noqa: BLE001  (a test looks at it)
            ends.append(error)

    before = len(agent.called("DescribeTasks"))
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    wait_for(lambda: ends or len(agent.called("DescribeTasks")) > before, 30, "the engine to look at its task")
    yield ends
    thread.join(60)
    assert ends, "the run did not end"
