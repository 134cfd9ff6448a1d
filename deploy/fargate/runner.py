"""Runs an analysis program inside its container: input from S3, what it wrote and how it ended back to S3.

`python runner.py COMMAND...` is the container's entry point (deploy/fargate/Dockerfile); the portal gives the command
and the environment when it starts the task (app/gateways/compute/fargate.py). This file stands alone: Python's
standard library and boto3, which takes its credentials from the task's role.

Environment: FILENAME, LOCALE, ORDER_ID for the program; for this file RUN_ID, RUN_BUCKET, RUN_REGION, RUN_SOURCE (key
of the input), RUN_TIME_LIMIT (seconds), RUN_MEMORY_LIMIT, RUN_DISK_LIMIT (bytes), and from the image RUN_USER: whom the
program runs as, so that it can't read this process's environment, which leads to the task role's credentials.

Written below `runs/<RUN_ID>/`: `progress` now and then (a number, 0 to 100), `output/...`, and last `end.json`, without
which the run counts as cut off: `{"ended", "exit_code", "log_tail", "input_sha256", "peak_memory", "files", "odd"}`.
`files` are names below OUTPUT with their sizes in bytes, `odd` the names of what is no plain file and was left here.

Exits as the program did; 143 when the task was stopped from outside (SIGTERM: cancelled, or Spot takes its machine).
What it prints goes to the task's log group and holds nothing of the customer's.
"""

import contextlib
import hashlib
import json
import os
import pwd
import re
import resource
import select
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CANNOT_ANALYSE = 65  # the program's word for "not a file that I can analyse"
LOG_LINES = 200
LINE_BYTES = 500
LOG_BYTES = 20_000
PROGRESS_EVERY_S = 10.0
LISTEN_S = 0.5
MEASURE_EVERY_S = 2.0
CHUNK = 65_536  # bytes
PIPE_BYTES = 65_536  # pipe(7)
MAX_FILES = 10_000
PROCESSES = 256
STOPPED = 128 + signal.SIGTERM
_NAME = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]+")
_MISSING = {"404", "NoSuchKey", "NotFound"}


@dataclass
class End:
    """What is told of a run: `ended` is exited, timed_out, out_of_memory, out_of_disk or input_gone."""

    ended: str
    exit_code: int | None = None
    log_tail: str = ""
    input_sha256: str | None = None
    peak_memory: int | None = None
    files: dict[str, int] = field(default_factory=dict)
    odd: list[str] = field(default_factory=list)


class Store:
    """What this run may touch of the bucket."""

    def __init__(self, run_id: str, bucket: str, region: str) -> None:
        """Open a client; nothing is sent yet."""
        retries = {"total_max_attempts": 5, "mode": "standard"}
        config = Config(connect_timeout=5, read_timeout=60, retries=retries)  # type: ignore[arg-type]
        self._s3: S3Client = boto3.client("s3", region_name=region, config=config)
        self._bucket = bucket
        self._prefix = f"runs/{run_id}/"

    def fetch(self, key: str, path: Path) -> str | None:
        """Download the input; returns its SHA-256 in hex, None where it is not there."""
        try:
            self._s3.download_file(self._bucket, key, str(path))
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return None
            raise
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def put(self, name: str, body: bytes) -> None:
        """Store something small."""
        self._s3.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=body)

    def upload(self, folder: Path, name: str) -> int:
        """Store a file of the output; returns its size in bytes. A link that was put in its place is not followed."""
        descriptor = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW)
        with os.fdopen(descriptor, "rb") as file:
            size = os.fstat(descriptor).st_size
            self._s3.upload_fileobj(file, self._bucket, f"{self._prefix}output/{name}")
        return size


class Listener:
    """Takes the program's output: keeps its last lines, tells progress to the store at most every ten seconds."""

    def __init__(self, store: Store) -> None:
        self.lines: deque[str] = deque(maxlen=LOG_LINES)
        self._store = store
        self._rest = b""
        self._told = self._percent = 0
        self._due = time.monotonic()

    def take(self, data: bytes) -> None:
        """Take what was read; of a long line only the beginning is kept, so memory stays bounded."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._line(line)
        self._rest = self._rest[:LINE_BYTES]

    def tail(self) -> str:
        """Return the last lines."""
        if self._rest:
            self._line(self._rest)
            self._rest = b""
        return "\n".join(self.lines)[-LOG_BYTES:]

    def tell(self) -> None:
        """Store the progress when it is time; what can't be stored is no harm."""
        if self._percent == self._told or time.monotonic() < self._due:
            return
        self._due = time.monotonic() + PROGRESS_EVERY_S
        self._told = self._percent
        try:
            self._store.put("progress", str(self._percent).encode())
        except (BotoCoreError, ClientError) as error:
            say(f"progress not stored: {type(error).__name__}")

    def _line(self, line: bytes) -> None:
        text = line[:LINE_BYTES].decode(errors="replace").replace("\0", "�").rstrip()
        self.lines.append(text)
        words = text.split()
        if len(words) > 1 and words[0] == "progress" and words[1].isascii() and words[1].isdigit():
            self._percent = min(100, int(words[1]))


def main(command: list[str]) -> int:
    """Do the whole run; returns the exit code of this process."""
    signal.signal(signal.SIGTERM, _stopped)
    given = os.environ
    store = Store(given["RUN_ID"], given["RUN_BUCKET"], given["RUN_REGION"])
    with tempfile.TemporaryDirectory(prefix="run-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        say("fetching the input")
        sha256 = store.fetch(given["RUN_SOURCE"], folder / "input")
        if sha256 is None:
            end = End("input_gone")
        else:
            say("running the program")
            end = run(command, folder, store)
            end.input_sha256 = sha256
        if end.ended == "exited" and end.exit_code in {0, CANNOT_ANALYSE}:
            say("storing the output")
            keep(folder / "output", store, end, int(given["RUN_DISK_LIMIT"]))
        store.put("end.json", json.dumps(asdict(end)).encode())
    say(f"{end.ended}, exit code {end.exit_code}")
    if end.exit_code is None:
        return os.EX_NOINPUT
    return end.exit_code if end.exit_code >= 0 else 128 - end.exit_code


def run(command: list[str], folder: Path, store: Store) -> End:
    """Run the program to its end, or to the end of its time."""
    limits = [f"--data={os.environ['RUN_MEMORY_LIMIT']}", f"--fsize={os.environ['RUN_DISK_LIMIT']}"]
    user = _user()
    if user:
        limits.append(f"--nproc={PROCESSES}")
    process = subprocess.Popen(
        ["prlimit", *limits, "--core=0", "--nofile=1024", "--", *command],
        env=_environment(folder, user),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        user=user.pw_uid if user else None,
        group=user.pw_gid if user else None,
        extra_groups=[] if user else None,
    )
    listener = Listener(store)
    try:
        stopped = listen(process, listener, folder)
    finally:
        _kill(process)
    exit_code = process.wait()
    drain(process, listener)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    killed = "out_of_memory" if exit_code == -signal.SIGKILL else "exited"  # by the kernel, when it was not us
    return End(stopped or killed, exit_code, listener.tail(), peak_memory=peak)


def listen(process: subprocess.Popen[bytes], listener: Listener, folder: Path) -> str | None:
    """Take output until the program is gone; returns what it has run out of, time or disk, if it has."""
    pipe = _pipe(process)
    deadline = time.monotonic() + int(os.environ["RUN_TIME_LIMIT"])
    measured = time.monotonic()
    while process.poll() is None:
        if time.monotonic() > deadline:
            return "timed_out"
        if time.monotonic() - measured > MEASURE_EVERY_S:
            measured = time.monotonic()
            if written(folder) > int(os.environ["RUN_DISK_LIMIT"]):
                return "out_of_disk"
        if select.select([pipe], [], [], LISTEN_S)[0]:
            data = os.read(pipe, CHUNK)
            listener.take(data)
            if not data:  # it closed its output and works on
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(LISTEN_S)
        listener.tell()
    return None


def written(folder: Path) -> int:
    """Return how many bytes are in OUTPUT and TMPDIR together."""
    total = 0
    for room in ("output", "tmp"):
        for parent, _folders, names in os.walk(folder / room):
            for name in names:
                with contextlib.suppress(FileNotFoundError):
                    total += Path(parent, name).lstat().st_size
    return total


def drain(process: subprocess.Popen[bytes], listener: Listener) -> None:
    """Take what is left in the pipe; no more than it can hold, whoever may still write to it."""
    pipe = _pipe(process)
    for _ in range(PIPE_BYTES // CHUNK + 1):
        if not select.select([pipe], [], [], 0)[0]:
            return
        listener.take(os.read(pipe, CHUNK))


def keep(output: Path, store: Store, end: End, limit: int) -> None:
    """Store what the program wrote, if it is not too much; `end` is told what was stored."""
    names = []
    for name, plain in walk(output):
        if plain:
            names.append(name)
        else:
            end.odd.append(name.encode(errors="backslashreplace").decode())
        if len(names) + len(end.odd) > MAX_FILES:
            break
    total = sum((output / name).lstat().st_size for name in names)
    if total > limit or len(names) + len(end.odd) > MAX_FILES:
        end.ended, end.odd = "out_of_disk", []
        end.log_tail += f"\n{len(names)} files of {total} bytes are too much output"
        return
    for name in names:
        try:
            end.files[name] = store.upload(output, name)
        except OSError:
            end.odd.append(name)


def walk(folder: Path) -> Iterator[tuple[str, bool]]:
    """Yield the name of every file below a folder, and whether it is a plain file with a name that S3 can hold."""
    for parent, folders, names in os.walk(folder):
        for found in [*folders, *names]:
            path = Path(parent, found)
            name = path.relative_to(folder).as_posix()
            mode = path.lstat().st_mode
            if not stat.S_ISDIR(mode):
                yield name, stat.S_ISREG(mode) and bool(_NAME.fullmatch(name))


def say(text: str) -> None:
    """Print a line for the log group."""
    print(text, flush=True)


def _environment(folder: Path, user: pwd.struct_passwd | None) -> dict[str, str]:
    """Make the folders of the contract; the program sees only this, nothing of the task."""
    made = {"INPUT": folder / "input", "OUTPUT": folder / "output", "TMPDIR": folder / "tmp"}
    made["INPUT"].chmod(0o444)
    for name in ("OUTPUT", "TMPDIR"):
        made[name].mkdir()
        if user:
            os.chown(made[name], user.pw_uid, user.pw_gid)
    folder.chmod(0o711)  # it stays ours, so that nothing can be put in the place of OUTPUT
    given = {name: os.environ[name] for name in ("FILENAME", "LOCALE", "ORDER_ID", "PATH")}
    return {**given, "LANG": "C.UTF-8", "HOME": str(made["TMPDIR"]), **{name: str(path) for name, path in made.items()}}


def _user() -> pwd.struct_passwd | None:
    name = os.environ.get("RUN_USER")
    return pwd.getpwnam(name) if name else None


def _pipe(process: subprocess.Popen[bytes]) -> int:
    if process.stdout is None:
        raise ValueError("there is no pipe")
    return process.stdout.fileno()


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _stopped(_number: int, _frame: FrameType | None) -> NoReturn:
    say("stopped from outside")
    sys.exit(STOPPED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
