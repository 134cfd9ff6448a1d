"""A company of its own for each test of recovery, on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.settings import Settings
from tests.helpers import Sandbox
from tests.recovery.company import Company, companies


@pytest.fixture
def company(
    settings: Settings, environment: dict[str, str], sandbox: Sandbox, backend: str, database_url: str, tmp_path: Path
) -> Iterator[Company]:
    """Open a company with an empty ledger."""
    yield from companies(settings, environment, sandbox, backend, database_url, tmp_path)
