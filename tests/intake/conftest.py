"""Houses for the tests of uploads."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest

from app.settings import Settings
from tests.helpers import Sandbox
from tests.intake.house import House, house

OpenHouse = Callable[..., House]


@pytest.fixture
def open_house(
    settings: Settings, environment: dict[str, str], sandbox: Sandbox, own_database: str, tmp_path: Path
) -> Iterator[OpenHouse]:
    """Give a function that opens a house of the test's own (`tests.intake.house.house`)."""
    with ExitStack() as stack:

        def opened(**wanted: Any) -> House:
            made: AbstractContextManager[House] = house(
                settings, environment, sandbox, own_database, tmp_path, **wanted
            )
            return stack.enter_context(made)

        yield opened
