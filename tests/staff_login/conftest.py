"""Members of staff for the tests of their second factor, and a second browser."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.kit.ids import new_id


@pytest.fixture
def stranger(client: FlaskClient, app: Flask) -> FlaskClient:
    """Give a second browser."""
    return type(client)(app, app.response_class)


@pytest.fixture
def member() -> str:
    """Give the address of a member of staff to be."""
    return f"staff-{new_id()[:13]}@kaiseki.example"
