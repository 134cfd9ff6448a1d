"""Fail points: named places where a test lets this process die, fail or hang. Outside PORTAL_ENV=test: nothing.

`FAILPOINT=name:act[:n]` acts once, at the n-th passage (the first) of each process. `FAILPOINT=@FILE` takes such
lines from a file that all processes share and that a test may write at any time: a line acts once over all of them.
"""

import fcntl
import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

SLEEP_S = 5.0
FORM = re.compile(r"@.+|[a-z0-9_.]+:(kill9|raise|sleep)(:[1-9][0-9]*)?")


class FailPointError(RuntimeError):
    """What a fail point raises."""


def _raise() -> NoReturn:
    raise FailPointError("a fail point, as ordered")


ACTS: dict[str, Callable[[], object]] = {
    "kill9": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "raise": _raise,
    "sleep": lambda: time.sleep(SLEEP_S),
}

_armed: dict[str, str] = {}


def arm(order: str | None) -> None:
    """Take FAILPOINT's value; None disarms."""
    _armed.clear()
    if order:
        _armed["order"] = order


def fail_point(name: str) -> None:
    """Mark a place. Costs a look at an empty dict where nothing is armed."""
    if not _armed:
        return
    order = _armed["order"]
    if order.startswith("@"):
        act = _take_from_file(Path(order[1:]), name)
    else:
        act, rest = _take([order], name)
        if rest:
            _armed["order"] = rest[0]
        else:
            _armed.clear()
    if act:
        ACTS[act]()


def _take_from_file(path: Path, name: str) -> str | None:
    """Use up a line of the file, alone among all processes."""
    try:
        with path.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            lines = file.read().splitlines()
            act, rest = _take(lines, name)
            if rest != lines:
                file.seek(0)
                file.truncate()
                file.write("".join(f"{line}\n" for line in rest))
    except FileNotFoundError:
        return None
    return act


def _take(lines: list[str], name: str) -> tuple[str | None, list[str]]:
    """Count one passage of `name`: returns the act that is due now, or None, and the lines that are left."""
    for index, line in enumerate(lines):
        point, act, *count = line.split(":")
        if point != name:
            continue
        left = int(count[0]) - 1 if count else 0
        kept = [f"{point}:{act}:{left}"] if left else []
        return (None if left else act), [*lines[:index], *kept, *lines[index + 1 :]]
    return None, lines
