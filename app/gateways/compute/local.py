"""The local engine: a program on the worker's own machine, in a box of its own (docs/decisions/006)."""

import hashlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from app.gateways.compute.engine import LOG_BYTES, LOG_LINES, Finished, Level, Work, progress_of
from app.gateways.compute.isolation import ROOT, Isolation, ways
from app.gateways.storage import NoSuchObjectError, Storage
from app.kit.ids import new_id

BOX = Path(__file__).with_name("box.py")
LINE_BYTES = 500
LOOK_S = 0.5
LATE_S = 30  # after the time limit: the box itself has failed
TRIAL = (sys.executable, "-c", "import os; os.listdir('.')")


class Local:
    """Runs programs as processes of this machine."""

    name = "local"
    outlives_worker = False

    def __init__(self, storage: Storage, private: Sequence[Path] = ()) -> None:
        """Take the object store that inputs come from, and files that no program may see."""
        self._storage = storage
        self._private = private

    def run(self, work: Work) -> Finished:
        """Fetch the input and run the program to its end; raises StorageDownError."""
        source = work.output.parent / "input"
        try:
            self._storage.download(work.source, source)
        except NoSuchObjectError:
            return Finished("input_gone")
        with source.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return replace(boxed(work, self.isolation, self._private), input_sha256=sha256)

    @cached_property
    def isolation(self) -> Isolation:
        """The best way to shut a program in that works on this machine."""
        return best_way()

    def clear(self, run_id: str) -> None:
        """Do nothing: all that a run makes is in its folder, which the caller removes."""

    def check(self) -> list[tuple[Level, str]]:
        """Say what `portal check` shows of this engine."""
        way = self.isolation
        if way.prefix:
            user = "a user of its own" if way.own_user else "the worker's user, who has no rights inside"
            return [("ok", f"analyses: each runs without network, sees only its own files, as {user}")]
        if not works(way):
            return [("fail", "analyses: none can be run. They need setpriv and prlimit (util-linux) and Python here.")]
        lost = "they can use the network"
        if not way.own_user:
            lost += " and read what the worker may read, .env with its keys too"
        return [("warn", f"analyses: {lost}. Run the worker as root, or where user namespaces are allowed.")]


def best_way() -> Isolation:
    """Find the best way to shut a program in that works on this machine, by trying."""
    return next(way for way in ways() if way == Isolation() or works(way))


def boxed(work: Work, way: Isolation, private: Sequence[Path] = ()) -> Finished:
    """Run a program in a box; its folder is the parent of `work.output`."""
    folder = work.output.parent.resolve()
    user = way.user(work.run_id)
    _prepare(folder, user)
    reading, writing = os.pipe()
    kept = way.kept(folder, work.command)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    plan = {
        "command": list(work.command),
        "cwd": str(ROOT),
        "environment": {
            "PATH": path,
            "LANG": "C.UTF-8",
            "HOME": str(folder / "tmp"),
            "TMPDIR": str(folder / "tmp"),
            "INPUT": str(folder / "input"),
            "OUTPUT": str(folder / work.output.name),
            **work.environment,
        },
        "folder": str(folder),
        "user": user,
        "namespaces": bool(way.prefix),
        "keep": kept,
        "hide": way.hidden(kept, private),
        "time_limit": work.time_limit,
        "memory_limit": work.memory_limit,
        "disk_limit": work.disk_limit,
        "report": writing,
    }
    with os.fdopen(reading, "rb") as report:
        try:
            process = subprocess.Popen(
                [*way.prefix, sys.executable, "-I", "-S", str(BOX)],
                env={"PATH": path},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=[writing],
                start_new_session=True,
            )
        finally:
            os.close(writing)
        with _ending(process):
            _tell(process, plan)
            lines = _listen(process, work)
            end = report.read()
    told: dict[str, Any] = json.loads(end) if end else {"ended": "interrupted"}
    return Finished(**told, log_tail="\n".join(lines)[-LOG_BYTES:])


def _prepare(folder: Path, user: int | None) -> None:
    """Let the program's user read the input and write to `output` and `tmp`, and nobody else anything."""
    (folder / "tmp").mkdir(exist_ok=True)
    for path, mode in ((folder, 0o710), (folder / "input", 0o440), (folder / "output", 0o700), (folder / "tmp", 0o700)):
        if path.exists():
            path.chmod(mode)
            if user is not None:
                os.chown(path, user if path.name in {"output", "tmp"} else 0, user)


@contextmanager
def _ending(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """See the box out: without standard input it ends its program."""
    with process:
        try:
            yield
        finally:
            _stop(process)
            for pipe in (process.stdout, process.stderr):
                if pipe:
                    pipe.close()
            try:
                process.wait(LATE_S)
            except subprocess.TimeoutExpired:
                _kill(process)


def _tell(process: subprocess.Popen[bytes], plan: dict[str, Any]) -> None:
    if process.stdin:
        with suppress(BrokenPipeError):  # it could not be started, and says why
            process.stdin.write(json.dumps(plan).encode() + b"\n")
            process.stdin.flush()


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.stdin and not process.stdin.closed:
        with suppress(BrokenPipeError):
            process.stdin.close()


def _kill(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _listen(process: subprocess.Popen[bytes], work: Work) -> deque[str]:
    """Read what the program writes until all its processes have ended; tell progress, ask whether to stop."""
    lines: deque[str] = deque(maxlen=LOG_LINES)
    late = time.monotonic() + work.time_limit + LATE_S
    asked = time.monotonic()
    with selectors.DefaultSelector() as selector:
        for pipe in (process.stdout, process.stderr):
            if pipe:
                selector.register(pipe, selectors.EVENT_READ, bytearray())
        while selector.get_map():
            for key, _ in selector.select(LOOK_S):
                data = os.read(key.fd, 65536)
                if not data:
                    selector.unregister(key.fileobj)
                for line in _lines(key.data, data):
                    lines.append(line)
                    _report(line, work, told=key.fileobj is process.stdout)
            now = time.monotonic()
            if now > late:
                _kill(process)
            if now - asked >= LOOK_S:
                asked = now
                if work.should_stop():
                    _stop(process)
    return lines


def _report(line: str, work: Work, *, told: bool) -> None:
    percent = progress_of(line) if told else None
    if percent is not None:
        work.on_progress(percent)


def _lines(rest: bytearray, data: bytes) -> Iterator[str]:
    """Add data to what is left of the last line; yield lines. One without an end is taken in pieces, or at the end."""
    rest += data
    while rest:
        at = rest.find(b"\n", 0, LINE_BYTES)
        if at < 0 and len(rest) < LINE_BYTES and data:
            return
        cut = at if at >= 0 else min(len(rest), LINE_BYTES)
        yield rest[:cut].decode(errors="replace").rstrip()
        del rest[: cut + (at >= 0)]


def works(way: Isolation) -> bool:
    """Try a way to shut a program in, with a program that does nothing."""
    with tempfile.TemporaryDirectory() as name:
        output = Path(name, "output")
        output.mkdir()
        work = Work(
            run_id=new_id(),
            order_id="",
            command=TRIAL,
            task=None,
            source="",
            output=output,
            environment={},
            time_limit=10,
            memory_limit=1024**3,
            disk_limit=1024**2,
            on_progress=lambda _percent: None,
            should_stop=lambda: False,
            on_task=lambda _task: None,
            task_ended=lambda: False,
        )
        try:
            return boxed(work, way).exit_code == 0
        except OSError:
            return False
