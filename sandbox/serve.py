"""Run a WSGI program of the sandbox under granian: one worker process, many blocking threads."""

from __future__ import annotations

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

from sandbox.config import HOST

# A card payer's request waits up to ten seconds for the shop's answer to a webhook, and that shop
# asks us questions meanwhile: threads must outnumber the payers by far.
THREADS = 32


def serve(factory: str, port: int) -> None:
    """Serve the application that `factory` ("package.module:function") makes, until SIGINT or SIGTERM."""
    Server(
        factory,
        address=HOST,
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=THREADS,
        log_level=LogLevels.error,
        factory=True,
        websockets=False,
    ).serve()
