"""An analysis program that does as its argument says, beside those of tests/analysis_room/program.py."""

import os
import signal
import subprocess
import sys
from pathlib import Path

OUTPUT = Path(os.environ["OUTPUT"])


def write(name: str, body: bytes) -> None:
    path = OUTPUT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)


def show() -> None:
    """Write one file."""
    write("result/done", b"1")


def progress() -> None:
    """Tell progress and wait for an end from outside, with a child that has the same pipe."""
    sys.stdout.write("progress 40 counting\n")
    sys.stdout.flush()
    child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    Path(sys.argv[2]).write_text(f"{os.getpid()} {child.pid}")
    signal.pause()


def leave() -> None:
    """End well and leave a child behind."""
    child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    Path(sys.argv[2]).write_text(str(child.pid))
    show()


def much() -> None:
    """Write two files, each small enough."""
    write("result/a", bytes(600_000))
    write("result/b", bytes(600_000))


def fill() -> None:
    """Write small files, too many of them, and wait."""
    for number in range(20):
        Path(os.environ["TMPDIR"], str(number)).write_bytes(bytes(100_000))
    signal.pause()


def many() -> None:
    """Write more files than there may be."""
    for number in range(10_001):
        write(f"result/{number}", b"")


def talk() -> None:
    """Write more lines, and longer ones, than are kept."""
    for told in (b"x" * 3_000_000, b"\nline" * 1000, bytes(range(256)), b"\nlast"):
        sys.stdout.buffer.write(told)


def gone() -> None:
    """Be killed by somebody else."""
    os.kill(os.getpid(), signal.SIGKILL)


def hungry() -> None:
    """Take more memory than there is."""
    bytearray(8 * 1024**3)


def odd() -> None:
    """Write names that S3 can't hold, and one that it can."""
    write("result/売上 報告.csv", b"1")
    (OUTPUT / "result" / "a\nb").write_bytes(b"")
    Path(os.fsdecode(bytes(OUTPUT / "result") + b"/\xff\xfe")).write_bytes(b"")
    (OUTPUT / "result/passwd").symlink_to("/etc/passwd")
    (OUTPUT / "preview").symlink_to("/etc")


if __name__ == "__main__":
    globals()[sys.argv[1]]()
