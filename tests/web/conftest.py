"""Reading what the portal logs in this process."""

import io
import logging
from collections.abc import Callable, Iterator

import pytest
import structlog

Logged = Callable[[], str]


@pytest.fixture
def logged() -> Iterator[Logged]:
    """Give a way to read what was logged since the last look; ask for it after the fixture that builds the portal."""
    ours = [h for h in logging.getLogger().handlers if isinstance(h.formatter, structlog.stdlib.ProcessorFormatter)]
    (handler,) = [h for h in ours if isinstance(h, logging.StreamHandler)]
    before, kept = handler.stream, io.StringIO()
    handler.stream = kept

    def read() -> str:
        told = kept.getvalue()
        kept.seek(0)
        kept.truncate()
        return told

    yield read
    handler.stream = before
