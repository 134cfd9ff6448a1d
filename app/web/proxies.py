"""Who is asking, where proxies of ours stand in front (AC-H06).

TRUSTED_PROXIES says how many; their words are counted from the right, for a visitor can write anything to the left.
With none, X-Forwarded-* is noise. X-Forwarded-Host is never read: links come from PUBLIC_URL.
"""

import ipaddress
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_WITH_PORT = re.compile(r"\[?(?P<ip>[0-9a-fA-F:.]+?)\]?(:\d{1,5})?")


def plain_address(text: str) -> str | None:
    """Return the address in 192.0.2.1, 192.0.2.1:5678, 2001:db8::1 or [2001:db8::1]:443; None for anything else."""
    for shape in (re.compile(r"(?P<ip>[^\s]+)"), _WITH_PORT):
        found = shape.fullmatch(text.strip())
        try:
            return str(ipaddress.ip_address(found["ip"])) if found else None
        except ValueError:
            continue
    return None


class _PlainAddress:
    """Makes REMOTE_ADDR an address and nothing else: some proxies add the visitor's port, a new one each time."""

    def __init__(self, inner: "WSGIApplication") -> None:
        self._inner = inner

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        told = environ.get("REMOTE_ADDR", "")
        peer = environ.get("werkzeug.proxy_fix.orig", {}).get("REMOTE_ADDR", "")
        environ["REMOTE_ADDR"] = plain_address(told) or plain_address(peer) or "unknown"
        return self._inner(environ, start_response)


def init_proxies(app: Flask, count: int) -> None:
    """Believe the last `count` entries of X-Forwarded-For and -Proto, and nothing else of the kind."""
    app.wsgi_app = _PlainAddress(app.wsgi_app)  # type: ignore[method-assign]
    if count:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count)  # type: ignore[method-assign]
