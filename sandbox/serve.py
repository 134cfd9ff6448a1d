"""Run a WSGI program of the sandbox: one process, one thread for each request, connections that can be torn.

Werkzeug's server and not a faster one, because a stand-in must be able to reset a connection (sandbox/stripe,
faults), for which it needs the socket. It closes every connection after one answer and drains what was not read, so
a request body that nobody wanted never becomes the next request.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from sandbox.config import HOST

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


_NO_LINGER = struct.pack("ii", 1, 0)


def reset() -> Iterator[bytes]:
    """Give the body of a response that is never sent: the connection is reset (TCP RST) instead."""
    raise ConnectionResetError
    yield b""  # makes it a generator: it raises when the server asks for the body


class _Handler(WSGIRequestHandler):
    """Log no request; reset a connection that the application gives up (or that the other side has reset)."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass

    def connection_dropped(self, error: BaseException, environ: WSGIEnvironment | None = None) -> None:  # noqa: ARG002
        self.close_connection = True
        try:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        finally:
            # Closed under the server's hands: it would shut the connection down politely (FIN) first.
            os.close(self.connection.detach())


def serve(create: Callable[[], Flask], port: int) -> None:
    """Serve the application that `create` makes on 127.0.0.1, until SIGINT or SIGTERM; never returns.

    Exits with 1 where the port is taken.
    """
    # SIGTERM does what Ctrl-C does: the server leaves its loop and closes its port.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    make_server(HOST, port, create(), threaded=True, request_handler=_Handler).serve_forever()
    # Webhooks under way are in the store and go out at the next start: no thread is waited for.
    os._exit(0)
