"""One house for each database, shared by the rows: a row breaks something, lifts the fault, and the promises hold."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.house import House, house_on
from tests.faults.invariants import all_orders, invariants
from tests.faults.rows import SHORT
from tests.helpers import Sandbox

HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is not in the short form, and say so; FAULTS=whole (`make faults`) plays everything."""
    if os.environ.get("FAULTS") == "whole":
        return
    left = [
        i for i in items if i.path.parent == HERE and i.get_closest_marker("faults") and not i.name.startswith(SHORT)
    ]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]
        config.get_terminal_writer().line(
            f"fault matrix: short form, {len(left)} tests deselected; make faults runs all"
        )


@pytest.fixture(scope="session")
def shared_house(backend: str, folder: Path, sandbox: Sandbox) -> Iterator[House]:
    """Start the house."""
    place = folder / f"house-{backend}"
    place.mkdir(mode=0o755)
    with house_on(backend, place, sandbox) as house:
        yield house
        with house.flask.app_context():
            house.begin_row(set())
            invariants(house)


@pytest.fixture
def house(shared_house: House) -> Iterator[House]:
    """Give the house, healthy; after the row its faults are lifted and the invariants must hold."""
    with shared_house.flask.app_context():
        shared_house.heal()
        shared_house.begin_row(all_orders(shared_house))
        yield shared_house
        shared_house.heal()
        invariants(shared_house)
