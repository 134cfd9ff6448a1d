"""More than one browser."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient


@pytest.fixture
def new_browser(client: FlaskClient, app: Flask) -> Callable[[], FlaskClient]:
    """Give browsers without cookies."""
    return lambda: type(client)(app, app.response_class)


@pytest.fixture
def stranger(new_browser: Callable[[], FlaskClient]) -> FlaskClient:
    """Give a second browser."""
    return new_browser()
