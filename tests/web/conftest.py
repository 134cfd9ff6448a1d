"""Reading what the portal logs in this process."""

import logging
import sys
from collections.abc import Callable, Iterator

import pytest
import structlog

Logged = Callable[[], str]


@pytest.fixture
def logged(capfd: pytest.CaptureFixture[str]) -> Iterator[Logged]:
    """Give a way to read what was logged since the last look; ask for it after the fixture that builds the portal."""
    ours = [h for h in logging.getLogger().handlers if isinstance(h.formatter, structlog.stdlib.ProcessorFormatter)]
    (handler,) = [h for h in ours if isinstance(h, logging.StreamHandler)]
    before = handler.setStream(sys.stderr)
    capfd.readouterr()
    yield lambda: capfd.readouterr().err
    handler.setStream(before or sys.__stderr__)
