"""Running an analysis program on this machine: a subprocess in its own session, with limits, killed as a group."""

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

CANNOT_ANALYSE = 65  # EX_DATAERR of sysexits.h: the program's word for "not a file that I can analyse"
LOG_LINES = 200
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
        It dies with the worker that started it (`setpriv --pdeathsig`), so a killed worker leaves no run behind.
        """
        limited = [
            "setpriv",
            "--pdeathsig=KILL",
            "prlimit",
            f"--as={memory_limit}",
            "--core=0",
            "--nofile=1024",
            f"--cpu={time_limit * 2}",
            "--",
            *command,
        ]
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        with tempfile.TemporaryFile("w+") as errors:
            process = subprocess.Popen(
                limited,
                cwd=ROOT,
                env={"PATH": path, "LANG": "C.UTF-8", "HOME": environment["TMPDIR"], **environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                errors="replace",
                start_new_session=True,
            )
            lines: deque[str] = deque(maxlen=LOG_LINES)
            timer = threading.Timer(time_limit, _kill, [process])
            timer.start()
            try:
                for line in process.stdout or ():
                    lines.append(line.rstrip())
                    percent = _progress(line)
                    if percent is not None:
                        on_progress(percent)
                exit_code = process.wait()
            finally:
                timed_out = not timer.is_alive()
                timer.cancel()
                _kill(process)
                process.wait()
            errors.seek(max(0, errors.seek(0, os.SEEK_END) - 20_000))
            lines.extend(errors.read().splitlines())
        return Finished(exit_code=exit_code, timed_out=timed_out, log_tail="\n".join(lines))


def _progress(line: str) -> int | None:
    words = line.split()
    if len(words) > 1 and words[0] == "progress" and words[1].isdigit():
        return min(100, int(words[1]))
    return None


def _kill(process: subprocess.Popen[str]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
