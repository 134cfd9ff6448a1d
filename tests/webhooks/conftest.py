"""Web servers of these tests' own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.helpers import answers, free_port, process, python, wait_for


@contextmanager
def serving(environment: dict[str, str], log: Path, workers: int) -> Iterator[str]:
    """Run the real web server with a number of processes; give its address."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    serve = ["-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    options = ["--workers", str(workers), "--blocking-threads", "4", "wsgi:app"]
    with process(*python(*serve, *options), environment=environment, log=log) as child:

        def up() -> bool:
            assert child.poll() is None, log.read_text()
            return answers(f"{address}/healthz")

        wait_for(up, 120, "the web server")
        yield address


@pytest.fixture
def four_processes(environment: dict[str, str], folder: Path, worker: None) -> Iterator[str]:
    """Give the address of a web server of four processes, beside the worker."""
    with serving(environment, folder / f"four-{os.urandom(3).hex()}.log", 4) as address:
        yield address
