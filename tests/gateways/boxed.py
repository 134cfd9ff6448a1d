"""Programs in the local engine's box: `python -m tests.gateways.boxed WAY CODE` runs one as a worker would."""

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.gateways.compute import Finished, Work
from app.gateways.compute.isolation import Isolation, ways, ways_of_users
from app.gateways.compute.local import boxed, works
from app.kit.ids import new_id

MEMORY = 512 * 1024**2
DISK = 5 * 1024**2


@dataclass
class Told:
    """How a run ended, the progress that it told, and the names of the files in its output folder."""

    finished: Finished
    progress: list[int] = field(default_factory=list)
    files: dict[str, int] = field(default_factory=dict)


def usable() -> list[Isolation]:
    """Return the ways to shut a program in that work on this machine, the best first; what others may do as well."""
    return [way for way in dict.fromkeys((*ways(), *ways_of_users())) if works(way)]


def run(code: str, way: Isolation, private: Sequence[Path] = (), **changes: Any) -> Told:
    """Run a piece of Python as a program."""
    with tempfile.TemporaryDirectory(prefix="analysis-") as name:
        output = Path(name, "output")
        output.mkdir()
        Path(name, "input").write_bytes(b"day,sold\n")
        told: list[int] = []
        values: dict[str, Any] = {
            "run_id": new_id(),
            "order_id": new_id(),
            "command": [sys.executable, "-c", code],
            "task": None,
            "source": "",
            "output": output,
            "environment": {"FILENAME": "売上.csv"},
            "time_limit": 20,
            "memory_limit": MEMORY,
            "disk_limit": DISK,
            "on_progress": told.append,
            "should_stop": lambda: False,
            "on_task": lambda _task: None,
            "task_ended": lambda: False,
        }
        finished = boxed(Work(**{**values, **changes}), way, private)
        files = {path.name: path.stat().st_size for path in output.iterdir()}
    return Told(finished, told, files)


def running(marker: str) -> list[int]:
    """Return the processes whose command line has a text in it."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if marker.encode() in folder.joinpath("cmdline").read_bytes().replace(b"\0", b" "):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


if __name__ == "__main__":
    run(sys.argv[2], usable()[int(sys.argv[1])])
