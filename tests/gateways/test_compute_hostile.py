"""Programs that mean harm, in the local engine's box: in every way to shut them in that works on this machine."""

import os
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.gateways.compute.isolation import ROOT, Isolation
from app.kit.ids import new_id
from tests.gateways.boxed import run, running, usable
from tests.helpers import python, wait_for

WAYS = usable()
every_way = pytest.mark.parametrize("way", WAYS, ids=repr)
NOWHERE = pytest.param(None, marks=pytest.mark.skip(reason="this machine allows no namespaces"))
shut_in = pytest.mark.parametrize("way", [way for way in WAYS if way.prefix] or [NOWHERE], ids=repr)
PAUSE = "import signal; signal.pause()"


@every_way
def test_out_of_time_kills_the_whole_family(way: Isolation) -> None:
    marker = new_id()
    code = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {f'{PAUSE}  # {marker}'!r}])"
    finished = run(code, way, time_limit=1).finished
    assert (finished.ended, finished.exit_code) == ("timed_out", -signal.SIGKILL)
    assert running(marker) == []


@every_way
def test_who_forks_twice_dies_with_the_program(way: Isolation) -> None:
    marker = new_id()
    code = (
        "import os, sys\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        os.closerange(0, 3)\n"
        f"        os.execv(sys.executable, [sys.executable, '-c', {f'{PAUSE}  # {marker}'!r}])\n"
        "    os._exit(0)\n"
        "os.wait()"
    )
    assert run(code, way).finished.exit_code == 0
    assert running(marker) == []


@every_way
def test_a_family_holds_no_more_memory_than_one(way: Isolation) -> None:
    code = (
        "import os, time\n"
        "for _ in range(4):\n"
        "    if os.fork() == 0:\n"
        "        held = b'1' * 100_000_000\n"
        "        time.sleep(60)\n"
        "time.sleep(60)"
    )
    finished = run(code, way, memory_limit=256 * 1024**2).finished
    assert finished.ended == "out_of_memory"
    assert (finished.peak_memory or 0) > 256 * 1024**2


@every_way
def test_memory_that_is_shared_counts_once(way: Isolation) -> None:
    code = (
        "import os, time\n"
        "held = b'1' * 100_000_000\n"
        "for _ in range(4):\n"
        "    if os.fork() == 0:\n"
        "        time.sleep(1)\n"
        "        os._exit(0)\n"
        "for _ in range(4): os.wait()"
    )
    assert run(code, way, memory_limit=256 * 1024**2).finished.exit_code == 0


@every_way
def test_many_small_files_fill_no_disk(way: Isolation) -> None:
    code = (
        "import os, time\n"
        "for number in range(1000):\n"
        "    open(f\"{os.environ['TMPDIR']}/{number}\", 'wb').write(b'x' * 100_000)\n"
        "    time.sleep(0.005)\n"
        "time.sleep(60)"
    )
    assert run(code, way).finished.ended == "out_of_disk"


@every_way
def test_deleted_files_count_as_long_as_they_are_open(way: Isolation) -> None:
    code = (
        "import tempfile, time\n"
        "files = [tempfile.TemporaryFile() for _ in range(8)]\n"
        "for file in files: file.write(b'x' * 1_000_000); file.flush()\n"
        "time.sleep(60)"
    )
    assert run(code, way).finished.ended == "out_of_disk"


@every_way
def test_a_file_can_not_grow_without_end(way: Isolation) -> None:
    code = "import os; open(f\"{os.environ['OUTPUT']}/big\", 'wb').truncate(6 * 1024**2)"
    told = run(code, way)
    assert told.finished.exit_code == 1
    assert told.files == {"big": 0}


@every_way
def test_processes_are_counted(way: Isolation) -> None:
    marker = new_id()
    code = f"import os, time\nwhile True:\n    if os.fork() == 0: time.sleep(60)  # {marker}"
    finished = run(code, way).finished
    assert finished.ended == "too_many_processes" or (finished.ended == "exited" and finished.exit_code == 1)
    assert running(marker) == []


@shut_in
def test_there_is_no_network(way: Isolation) -> None:
    code = (
        "import socket, sys\n"
        "try: socket.create_connection(('127.0.0.1', {port}), timeout=2); print('connected')\n"
        "except OSError as error: print('refused', error)"
    )
    with socket.create_server(("127.0.0.1", 0)) as server:
        told = run(code.format(port=server.getsockname()[1]), way)
    assert told.finished.log_tail.startswith("refused"), told


@pytest.fixture
def secrets() -> Iterator[list[Path]]:
    """Give files that any process may read, where the portal has its secrets and its customers' files."""
    name = new_id()
    database = Path(ROOT, f"database-{name}")
    folder = Path(tempfile.mkdtemp(prefix="analysis-of-somebody-else-"))
    folder.chmod(0o755)
    (ROOT / "var").mkdir(exist_ok=True)
    found = [ROOT / f".env.{name}", ROOT / "var" / name, folder / "input", database, Path(f"{database}-wal")]
    for path in found:
        path.write_text("secret")
        path.chmod(0o644)
    yield found
    for path in found:
        path.unlink()
    folder.rmdir()


@shut_in
def test_secrets_and_other_orders_can_not_be_read(way: Isolation, secrets: list[Path]) -> None:
    paths = [*map(str, secrets), f"/proc/{os.getpid()}/environ", f"/proc/{os.getppid()}/environ", "/proc/1/environ"]
    code = (
        "import pathlib\n"
        f"for path in {paths!r}:\n"
        "    try: print(path, repr(pathlib.Path(path).read_bytes()))\n"
        "    except OSError as error: print(path, 'no', error.strerror)\n"
    )
    finished = run(code, way, private=[secrets[3]]).finished
    assert finished.exit_code == 0
    for line in finished.log_tail.splitlines():
        assert " no " in line or line.endswith(" b''") or (line.startswith("/proc/1/") and "SECRET" not in line), line
    assert "secret" not in finished.log_tail


@shut_in
def test_the_covers_stay_where_they_are(way: Isolation, secrets: list[Path]) -> None:
    """No capability is left with which a mount could be taken away, not in a namespace of the program's own either."""
    code = (
        "import subprocess\n"
        f"for command in (['umount', {str(ROOT / 'var')!r}], ['unshare', '-Urm', 'umount', {str(ROOT / 'var')!r}]):\n"
        "    print(subprocess.run(command, capture_output=True).returncode)\n"
        f"print(subprocess.run(['cat', {str(secrets[1])!r}], capture_output=True).stdout)"
    )
    told = run(code, way).finished.log_tail.splitlines()
    assert "0" not in told
    assert told[-1] == "b''"


@shut_in
def test_it_can_write_nowhere_else(way: Isolation) -> None:
    code = (
        "import pathlib\n"
        f"for folder in ('/', '/tmp', '/var/tmp', {str(ROOT)!r}, '/run', '/etc'):\n"
        "    try: pathlib.Path(folder, 'left').write_text('x'); print('wrote', folder)\n"
        "    except OSError: pass"
    )
    if way.own_user:
        assert run(code, way).finished.log_tail == ""


@pytest.mark.parametrize("way", range(len(WAYS)))
def test_it_dies_with_its_worker(way: int) -> None:
    marker = new_id()
    worker = os.posix_spawn(
        sys.executable, [*python("-m", "tests.gateways.boxed", str(way), f"{PAUSE}  # {marker}")], {**os.environ}
    )
    wait_for(lambda: set(running(marker)) - {worker}, 40, "the program")
    os.kill(worker, signal.SIGKILL)
    os.waitpid(worker, 0)
    wait_for(lambda: running(marker) == [], 40, "the program to be gone")


def _line(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


@every_way
def test_a_box_that_is_killed_is_an_interruption(way: Isolation) -> None:
    marker = new_id()

    def kill_the_box() -> bool:
        for pid in running(marker):
            parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
            if b"box.py" in _line(parent):
                os.kill(parent, signal.SIGKILL)
        return False

    finished = run(f"{PAUSE}  # {marker}", way, should_stop=kill_the_box).finished
    assert finished.ended == "interrupted"
    wait_for(lambda: running(marker) == [], 40, "the program to be gone")
