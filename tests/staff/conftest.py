"""What tests of the back office share."""

from collections.abc import Iterator

import pytest

from app.portal import Portal
from tests.helpers import Sandbox
from tests.staff.till import Till, tills


@pytest.fixture
def till(own_house: tuple[Portal, dict[str, str]], sandbox: Sandbox) -> Iterator[Till]:
    """Give a shop's till, on both databases."""
    yield from tills(own_house[0], sandbox)
