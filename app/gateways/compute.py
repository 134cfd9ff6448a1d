"""Running an analysis program on this machine: a session of its own, with limits, killed as a group."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

CANNOT_ANALYSE = 65  # EX_DATAERR of sysexits.h: the program's word for "not a file that I can analyse"
LOG_LINES = 200
LINE_BYTES = 500
LOG_BYTES = 20_000
FILE_BYTES = 16 * 1024**3  # the largest file that a program may write
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Finished:
    """How a run ended: the program's exit code, whether it ran out of time, the last lines that it wrote."""

    exit_code: int
    timed_out: bool
    log_tail: str


class Compute:
    """The local engine."""

    def run(
        self,
        command: Sequence[str],
        environment: dict[str, str],
        *,
        time_limit: int,
        memory_limit: int,
        on_progress: Callable[[int], None],
    ) -> Finished:
        """Run a program to its end. `time_limit` in seconds, `memory_limit` in bytes.

        The program sees only the environment it is given, so no secret of the portal can leak into a report.
        It dies with the worker that started it (`setpriv --pdeathsig`).
        """
        limited = [
            "setpriv",
            "--pdeathsig=KILL",
            "prlimit",
            # Writable memory. The whole address space would be the wrong thing to limit: a program may map a
            # file of many gigabytes to read it, or reserve room that it never uses.
            f"--data={memory_limit}",
            f"--fsize={FILE_BYTES}",
            "--core=0",
            "--nofile=1024",
            f"--cpu={time_limit * (os.cpu_count() or 1)}",
            "--",
            *command,
        ]
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                limited,
                cwd=ROOT,
                env={"PATH": path, "LANG": "C.UTF-8", "HOME": environment["TMPDIR"], **environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
            with _time_limit(process, time_limit) as late:
                lines = _listen(process, on_progress)
                exit_code = process.wait()
            tail = [*lines, *_tail(errors)][-LOG_LINES:]
        return Finished(exit_code=exit_code, timed_out=late.is_set(), log_tail="\n".join(tail)[-LOG_BYTES:])


class _time_limit:  # noqa: N801  (used like a function)
    """Kill the program's whole session when the time is up, and in any case at the end."""

    def __init__(self, process: subprocess.Popen[bytes], seconds: int) -> None:
        self._process = process
        self._late = threading.Event()
        self._timer = threading.Timer(seconds, self._up)

    def _up(self) -> None:
        self._late.set()
        _kill(self._process)

    def __enter__(self) -> threading.Event:
        self._timer.start()
        return self._late

    def __exit__(self, *_error: object) -> None:
        self._timer.cancel()
        _kill(self._process)
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()


def _listen(process: subprocess.Popen[bytes], on_progress: Callable[[int], None]) -> deque[str]:
    """Read standard output to its end; a line without an end is taken in pieces, so memory stays bounded."""
    lines: deque[str] = deque(maxlen=LOG_LINES)
    while process.stdout and (piece := process.stdout.readline(LINE_BYTES)):
        line = piece.decode(errors="replace").rstrip()
        lines.append(line)
        percent = _progress(line)
        if percent is not None:
            on_progress(percent)
    return lines


def _tail(errors: IO[bytes]) -> list[str]:
    errors.seek(max(0, errors.seek(0, os.SEEK_END) - LOG_BYTES))
    return errors.read().decode(errors="replace").splitlines()


def _progress(line: str) -> int | None:
    words = line.split()
    if len(words) > 1 and words[0] == "progress" and words[1].isascii() and words[1].isdigit():
        return min(100, int(words[1]))
    return None


def _kill(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
