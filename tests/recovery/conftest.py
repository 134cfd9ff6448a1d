"""A company of its own for each test of recovery, on both databases."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.settings import Settings
from tests.helpers import Sandbox, answers, free_port, process, python, wait_for
from tests.recovery.company import Company, companies


@pytest.fixture
def company(
    settings: Settings, environment: dict[str, str], sandbox: Sandbox, backend: str, database_url: str, tmp_path: Path
) -> Iterator[Company]:
    """Open a company with an empty ledger."""
    yield from companies(settings, environment, sandbox, backend, database_url, tmp_path)


@pytest.fixture
def own_stripe(sandbox: Sandbox, tmp_path: Path) -> Iterator[Sandbox]:
    """Start a Stripe stand-in whose clock may be moved by days without anybody else noticing."""
    environment = {
        **sandbox.environment,
        "SANDBOX_DIR": str(tmp_path / "stripe"),
        "SANDBOX_STRIPE_PORT": str(free_port()),
    }
    started = replace(sandbox, stripe=f"http://127.0.0.1:{environment['SANDBOX_STRIPE_PORT']}", environment=environment)
    with process(*python("-m", "sandbox.stripe"), environment=environment, log=tmp_path / "stripe.log"):
        wait_for(lambda: answers(f"{started.stripe}/healthz"), 30, "Stripe")
        yield started


@pytest.fixture
def far_company(
    settings: Settings,
    environment: dict[str, str],
    own_stripe: Sandbox,
    backend: str,
    database_url: str,
    tmp_path: Path,
) -> Iterator[Company]:
    """Open a company whose time is its own."""
    clock = tmp_path / "stripe" / "clock"
    changed = settings.model_copy(update={"stripe_api_base": own_stripe.stripe, "clock_file": clock})
    names = {"STRIPE_API_BASE": own_stripe.stripe, "CLOCK_FILE": str(clock)}
    yield from companies(changed, {**environment, **names}, own_stripe, backend, database_url, tmp_path)
