"""K: kill -9 at every place where something could be lost or done twice."""

import pytest

from tests.faults.house import House

pytestmark = pytest.mark.faults


def test_smoke(house: House) -> None:
    order = house.bought()
    house.opened(order)
