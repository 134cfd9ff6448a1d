"""Workers of a test's own, and a service that makes them hang so that they can be killed in the middle."""

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen

from tests.helpers import process, python, wait_for


@contextmanager
def worker_named(name: str, environment: dict[str, str], folder: Path) -> Iterator[Popen[bytes]]:
    """Run a worker of that name until the block ends; one that is to die early may be dead when the block begins."""
    log = folder / f"{name}-{os.urandom(4).hex()}.log"
    with process(*python("-m", "app.worker", "--name", name), environment=environment, log=log) as child:

        def begun() -> bool:
            return child.poll() == -signal.SIGKILL or (log.exists() and "worker.ready" in log.read_text())

        wait_for(begun, 60, "the worker")
        yield child


@contextmanager
def silent_server() -> Iterator[tuple[str, socket.socket]]:
    """Listen at an address `127.0.0.1:port` and never say a word."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(30)
        yield f"127.0.0.1:{server.getsockname()[1]}", server


def kill_when_called(child: Popen[bytes], server: socket.socket) -> None:
    """Wait until somebody calls the silent server, and kill the worker with -9 there."""
    connection, _ = server.accept()
    with connection:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait(10)
