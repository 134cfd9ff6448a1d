"""What tests of the back office share."""

from collections.abc import Iterator

import pytest
from flask import Flask, current_app

from app.portal import Portal
from tests.helpers import Sandbox
from tests.staff.till import Till, tills


@pytest.fixture
def till(own_house: tuple[Portal, dict[str, str]], sandbox: Sandbox) -> Iterator[Till]:
    """Give a shop's till, on both databases."""
    yield from tills(own_house[0], sandbox)


@pytest.fixture
def nobody_works(own_house: tuple[Portal, dict[str, str]]) -> tuple[Portal, Flask]:
    """Give a portal whose jobs no worker does, so that what a page has changed stays to be looked at."""
    return own_house[0], current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
