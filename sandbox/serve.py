"""Run a WSGI program of the sandbox: one process, one thread for each request, connections that can be torn.

Werkzeug's server and not a faster one, because a stand-in must be able to reset a connection (sandbox/stripe,
faults), for which it needs the socket: `environ["werkzeug.socket"]`. It closes every connection after one answer
and drains what was not read, so a request body that nobody wanted never becomes the next request.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from sandbox.config import HOST


class _Quiet(WSGIRequestHandler):
    """Log no request."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def serve(create: Callable[[], Flask], port: int) -> None:
    """Serve the application that `create` makes on 127.0.0.1, until SIGINT or SIGTERM; never returns.

    Exits with 1 where the port is taken.
    """
    # SIGTERM does what Ctrl-C does: the server leaves its loop and closes its port.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    make_server(HOST, port, create(), threaded=True, request_handler=_Quiet).serve_forever()
    # Webhooks under way are in the store and go out at the next start: no thread is waited for.
    os._exit(0)
