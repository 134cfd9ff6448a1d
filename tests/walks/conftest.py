"""A world for walks: the portal in this process on a database of its own, a Stripe stand-in whose clock may run."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from pydantic import SecretStr

from app import create_app
from app.portal import EXTENSION
from app.settings import Settings
from tests.helpers import Sandbox, answers, free_port, process, python, wait_for
from tests.storm.books import Books
from tests.walks.world import World


@pytest.fixture
def world(app: Flask, settings: Settings, sandbox: Sandbox, own_database: str, tmp_path: Path) -> Iterator[World]:
    """Give the world; nobody else moves in it."""
    assert app  # its bucket is used
    port, place = free_port(), tmp_path / "stripe"
    environment = {**sandbox.environment, "SANDBOX_DIR": str(place), "SANDBOX_STRIPE_PORT": str(port)}
    stripe = replace(sandbox, stripe=f"http://127.0.0.1:{port}", environment=environment)
    own = {"database_url": SecretStr(own_database), "stripe_api_base": stripe.stripe, "clock_file": place / "clock"}
    application = create_app(settings.model_copy(update=own))
    application.config.update(TESTING=False, PROPAGATE_EXCEPTIONS=False)
    with process(*python("-m", "sandbox.stripe"), environment=environment, log=tmp_path / "stripe.log"):
        wait_for(lambda: answers(f"{stripe.stripe}/healthz"), 60, "Stripe")
        stripe.control("settings", {"rate_limits": False})
        with application.app_context():
            yield World(application, application.extensions[EXTENSION], stripe, Books(place))
    application.extensions[EXTENSION].database.close()
