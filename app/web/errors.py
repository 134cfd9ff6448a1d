"""Every error ends here: a page in the customer's language that says what happened, what is safe, what to do now."""

from collections.abc import Callable
from typing import Any

import structlog
from flask import Flask, Response, g, jsonify, make_response, render_template, request, url_for
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import HTTPException, SecurityError

from app.errors import PortalError, TooManyError
from app.web.error_texts import TEXTS
from app.web.texts import locale

log = structlog.get_logger()

_STOP = {"ja": "。", "en": ". "}

CODE_OF_STATUS = {
    400: "bad_request",
    403: "forbidden",
    404: "not_found",
    405: "wrong_method",
    411: "bad_request",
    413: "too_much",
    429: "too_many",
    503: "outside",
}


def wants_json() -> bool:
    """Tell whether the caller asked for JSON: our own scripts do, browsers never."""
    return request.accept_mimetypes.best == "application/json"


def show_error(status: int, code: str, field: str | None = None, next_step: tuple[str, str] | None = None) -> Response:
    """Return the error as a page, or as JSON where the caller asked for it.

    `next_step`: text and address of what to do now, where that is not the top page.
    """
    title, what, safe = TEXTS.get(code, TEXTS["unexpected"])
    if wants_json():
        body: dict[str, object] = {"code": code, "field": field, "message": f"{title}{_STOP[locale()]}{what}"}
        response = jsonify(error=body, request_id=g.get("request_id"))
    else:
        page = render_template(
            "error.html",
            status=status,
            title=title,
            what=what,
            safe=safe,
            next_text=next_step[0] if next_step else gettext("To the top page"),
            next_url=next_step[1] if next_step else url_for("intake.index"),
            request_id=g.get("request_id"),
        )
        response = make_response(page)
    response.status_code = status
    return response


def _portal_error(error: PortalError) -> Response:
    if error.status >= 500:  # noqa: PLR2004
        # No traceback: the libraries' own messages quote addresses with a customer's e-mail in them (AC-P04).
        log.error("error.outside", code=error.code, cause=type(error.__cause__).__name__)
    response = show_error(error.status, error.code, error.field)
    if isinstance(error, TooManyError):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _csrf_error(_error: CSRFError) -> Response:
    return show_error(400, "form_expired")


def _foreign_host(_error: SecurityError) -> Response:
    # No page: with a host that is not ours (AC-H05) not even the address of our style sheet is known.
    text = "400 このアドレスでは開けません。 This address is not served here.\n"
    return Response(text, 400, mimetype="text/plain")


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    response = show_error(status, CODE_OF_STATUS.get(status, "bad_request" if status < 500 else "unexpected"))  # noqa: PLR2004
    if error.response is None:
        for name, value in error.get_headers():
            if name in {"Allow", "Retry-After"}:
                response.headers[name] = value
    return response


def _bad_value(_error: DataError) -> Response:
    """Answer to a value that no column can hold, such as a text with a NUL: what was sent is wrong, not we."""
    return show_error(400, "bad_request")


def _database_error(error: Exception) -> Response:
    log.error("error.database", exc_info=error)
    return show_error(503, "outside")


def _unexpected(error: Exception) -> Response:
    log.error("error.unexpected", exc_info=error)
    return show_error(500, "unexpected")


HANDLERS: tuple[tuple[type[Exception], Callable[[Any], Response]], ...] = (
    (PortalError, _portal_error),
    (CSRFError, _csrf_error),
    (SecurityError, _foreign_host),
    (HTTPException, _http_error),
    (DataError, _bad_value),
    (DBAPIError, _database_error),
    (PoolTimeoutError, _database_error),
    (Exception, _unexpected),
)


def init_errors(app: Flask) -> None:
    """Register one handler for each family of errors."""
    for family, handler in HANDLERS:
        app.register_error_handler(family, handler)
