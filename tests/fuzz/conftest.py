"""The people and orders that the routes are asked about."""

import pytest

from app.portal import Portal
from tests.cast import Cast, make_cast


@pytest.fixture
def cast(portal: Portal) -> Cast:
    """Give people and orders of this test's own."""
    return make_cast(portal)
