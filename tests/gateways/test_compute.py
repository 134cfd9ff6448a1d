"""Limits of an analysis run, with real processes."""

import os
import sys
import time
from pathlib import Path

import pytest

from app.gateways.compute import FILE_BYTES, LOG_BYTES, LOG_LINES, Compute, Finished
from tests.helpers import wait_for

MEMORY = 1024**3


def run(tmp_path: Path, code: str, *, time_limit: int = 20, memory_limit: int = MEMORY) -> tuple[Finished, list[int]]:
    """Run a piece of Python as a program; return how it ended and the progress that it told."""
    told: list[int] = []
    finished = Compute().run(
        [sys.executable, "-c", code],
        {"TMPDIR": str(tmp_path), "OUTPUT": str(tmp_path)},
        time_limit=time_limit,
        memory_limit=memory_limit,
        on_progress=told.append,
    )
    return finished, told


def test_exit_code_progress_and_log(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "for said in ('progress 5 reading', 'progress 250 odd', 'progress x', 'progress ٣'): print(said)\n"
        "print('for staff', file=sys.stderr); sys.exit(65)"
    )
    finished, told = run(tmp_path, code)
    assert (finished.exit_code, finished.timed_out) == (65, False)
    assert told == [5, 100]
    assert finished.log_tail.splitlines()[-1] == "for staff"


def test_the_program_sees_nothing_but_what_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "do-not-show")
    monkeypatch.setenv("STRIPE_API_KEY", "sk_do_not_show")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "do-not-show")
    finished, _ = run(tmp_path, "import os; print('\\n'.join(sorted(os.environ)))")
    names = set(finished.log_tail.split()) - {"LC_CTYPE"}  # Python's own, for the C.UTF-8 locale
    assert names == {"PATH", "LANG", "HOME", "TMPDIR", "OUTPUT"}


def test_out_of_time_kills_the_whole_group(tmp_path: Path) -> None:
    child = tmp_path / "child.pid"
    code = (
        "import subprocess, sys, signal\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])\n"
        f"open({str(child)!r}, 'w').write(str(child.pid))\n"
        "signal.pause()\n"
    )
    started = time.monotonic()
    finished, _ = run(tmp_path, code, time_limit=2)
    assert finished.timed_out
    assert finished.exit_code == -9
    assert time.monotonic() - started < 10
    wait_for(lambda: not _alive(int(child.read_text())), 10, "the program's child to be gone")


def test_what_a_program_leaves_running_dies_with_it(tmp_path: Path) -> None:
    child = tmp_path / "child.pid"
    code = (
        "import subprocess, sys\n"
        "quiet = {'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL}\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'], **quiet)\n"
        f"open({str(child)!r}, 'w').write(str(child.pid))\n"
    )
    finished, _ = run(tmp_path, code)
    assert (finished.exit_code, finished.timed_out) == (0, False)
    wait_for(lambda: not _alive(int(child.read_text())), 10, "the program's child to be gone")


def test_out_of_memory_fails_the_program_only(tmp_path: Path) -> None:
    finished, _ = run(tmp_path, "x = bytearray(2 * 1024**3)", memory_limit=512 * 1024**2)
    assert finished.exit_code == 1
    assert "MemoryError" in finished.log_tail


def test_a_file_can_not_grow_without_end(tmp_path: Path) -> None:
    code = f"import os; f = open('{tmp_path}/big', 'wb'); f.truncate({FILE_BYTES + 1})"
    finished, _ = run(tmp_path, code)
    assert finished.exit_code != 0
    assert (tmp_path / "big").stat().st_size == 0


def test_the_log_is_bounded(tmp_path: Path) -> None:
    code = "import sys; print('x' * 10_000_000); print('y' * 5_000_000 + '\\nlast', file=sys.stderr)"
    finished, _ = run(tmp_path, code)
    assert finished.exit_code == 0
    assert len(finished.log_tail) <= LOG_BYTES
    assert finished.log_tail.count("\n") < LOG_LINES
    assert finished.log_tail.endswith("last")


def test_output_that_is_not_text_does_no_harm(tmp_path: Path) -> None:
    finished, told = run(tmp_path, "import sys; sys.stdout.buffer.write(bytes(range(256)) + b'\\nprogress 7 x\\n')")
    assert finished.exit_code == 0
    assert told == [7]


def test_an_error_in_the_listener_ends_the_program(tmp_path: Path) -> None:
    class BrokenError(Exception):
        pass

    def broken(_percent: int) -> None:
        raise BrokenError

    code = (
        "import os, signal\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n"
        "print('progress 1 x', flush=True)\n"
        "signal.pause()"
    )
    with pytest.raises(BrokenError):
        Compute().run(
            [sys.executable, "-c", code],
            {"TMPDIR": str(tmp_path)},
            time_limit=20,
            memory_limit=MEMORY,
            on_progress=broken,
        )
    assert not _alive(int((tmp_path / "pid").read_text()))


def test_a_command_that_is_not_there_fails_like_a_program(tmp_path: Path) -> None:
    finished = Compute().run(
        ["no-such-program"], {"TMPDIR": str(tmp_path)}, time_limit=5, memory_limit=MEMORY, on_progress=print
    )
    assert finished.exit_code not in {0, 65}
    assert "no-such-program" in finished.log_tail


def test_the_virtual_environment_of_the_worker_is_used(tmp_path: Path) -> None:
    finished = Compute().run(
        ["python", "-c", "import sys; print(sys.executable)"],
        {"TMPDIR": str(tmp_path)},
        time_limit=20,
        memory_limit=MEMORY,
        on_progress=print,
    )
    assert Path(finished.log_tail.strip()).parent == Path(sys.executable).parent


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A killed child that nobody has waited for yet is dead, too.
    return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
