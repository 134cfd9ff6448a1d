"""The outermost layer of the application: headers on every answer, and an answer whatever breaks inside (AC-H02).

It stands outside Flask, so that an answer from before the routing, or from an error handler that failed itself,
is no exception. What the web server refuses before it asks us (a request line or headers that can't be read or are
too long) it answers itself: a bare status without a body.
"""

import os
import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import structlog
from flask import Flask, request

from app.settings import Settings
from app.web.policy import PRIVATE, headers_for

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

NONCE = "portal.nonce"
REQUEST_ID = "portal.request_id"
LAST_WORDS = (
    "500 うまくいきませんでした。数分後にもう一度お試しください。ご注文とお支払いは安全です。\n"
    "Something went wrong on our side. Please try again in a few minutes. Your orders and payments are safe.\n"
)

log = structlog.get_logger()
# granian hands the process's whole environment, secrets included, to every request (PEP 3333 allows it). Nobody here
# reads it, and a variable such as HTTP_PROXY would pass for a header.
_PROCESS = frozenset(os.environ)


class Outermost:
    """The WSGI application around Flask's own."""

    def __init__(self, inner: "WSGIApplication", settings: Settings) -> None:
        """Wrap `inner`; the settings decide the policy's origins and whether answers travel over https."""
        self._inner = inner
        self._settings = settings

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        for name in _PROCESS:
            if environ.get(name) == os.environ.get(name):
                environ.pop(name, None)
        environ[NONCE] = secrets.token_urlsafe(16)
        environ[REQUEST_ID] = secrets.token_hex(8)

        def strict(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:  # noqa: ANN401  (WSGI's)
            return start_response(status, self._strict(environ, headers), exc_info)

        try:
            return self._inner(environ, strict)
        except Exception:
            log.exception("error.last_resort", request_id=environ[REQUEST_ID])
        body = f"{LAST_WORDS}{environ[REQUEST_ID]}\n".encode()
        strict(
            "500 Internal Server Error",
            [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))],
        )
        return [body]

    def _strict(self, environ: "WSGIEnvironment", headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return the headers of an answer with ours in the place of any of the same name."""
        policy = headers_for(
            self._settings, environ[NONCE], environ.get("PATH_INFO", ""), environ.get("QUERY_STRING", "")
        )
        ours = {**policy, "X-Request-Id": environ[REQUEST_ID]}
        said = {name.lower(): value for name, value in headers}
        if "public" not in said.get("cache-control", ""):
            ours |= PRIVATE | ({"Cache-Control": said["cache-control"]} if "cache-control" in said else {})
        replaced = {name.lower() for name in ours}
        return [(name, value) for name, value in headers if name.lower() not in replaced] + list(ours.items())


def csp_nonce() -> str:
    """Return this response's nonce for script tags."""
    return str(request.environ[NONCE])


def init_outermost(app: Flask, settings: Settings) -> None:
    """Put the layer around the application; call it last, for whatever is added later would stand outside."""
    app.jinja_env.globals.update(csp_nonce=csp_nonce)
    app.wsgi_app = Outermost(app.wsgi_app, settings)  # type: ignore[method-assign]
