"""A web server of four processes: what must happen once is tried from all of them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.helpers import answers, free_port, process, python, wait_for


@pytest.fixture
def new_browser(client: FlaskClient, app: Flask) -> Callable[[], FlaskClient]:
    """Give browsers without cookies."""
    return lambda: type(client)(app, app.response_class)


@pytest.fixture
def stranger(new_browser: Callable[[], FlaskClient]) -> FlaskClient:
    """Give a second browser."""
    return new_browser()


@pytest.fixture(scope="session")
def four_processes(app: Flask, environment: dict[str, str], folder: Path, backend: str) -> Iterator[str]:
    """Run granian with four worker processes on the session's database; give its address."""
    port = free_port()
    log = folder / f"web-four-{backend}.log"
    serve = ["-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    with process(
        *python(*serve, "--workers", "4", "--blocking-threads", "4", "wsgi:app"),
        environment=environment,
        log=log,
    ) as child:

        def up() -> bool:
            assert child.poll() is None, log.read_text()
            return answers(f"http://127.0.0.1:{port}/healthz")

        wait_for(up, 60, "four web processes")
        yield f"http://127.0.0.1:{port}"
