"""Every error ends here: a page in the customer's language that says what happened, what is safe, what to do now."""

from collections.abc import Callable
from typing import Any

import structlog
from flask import Flask, Response, g, jsonify, make_response, render_template, request, url_for
from flask_babel import gettext, lazy_gettext
from flask_limiter import RateLimitExceeded
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import HTTPException, SecurityError

from app.errors import PortalError, TooManyError
from app.web.texts import locale

log = structlog.get_logger()

# code -> (title, what happened, what is safe)
TEXTS = {
    "not_found": (
        lazy_gettext("This page can't be found"),
        lazy_gettext("The address may be wrong, or the page belongs to another person or browser."),
        lazy_gettext("If you ordered in another browser, log in with your e-mail address to see your orders."),
    ),
    "bad_input": (
        lazy_gettext("Something in the form needs another look"),
        lazy_gettext("We could not take what was sent."),
        lazy_gettext("Nothing was saved and nothing was charged."),
    ),
    "bad_email": (
        lazy_gettext("The e-mail address can't be used"),
        lazy_gettext("Please write it like name@example.jp, in half-width letters."),
        lazy_gettext("Nothing was saved and nothing was charged."),
    ),
    "unknown_product": (
        lazy_gettext("This product is not on sale"),
        lazy_gettext("The product that you chose does not exist, or is not sold any more."),
        lazy_gettext("Nothing was saved and nothing was charged."),
    ),
    "wrong_type": (
        lazy_gettext("This kind of file can't be analysed"),
        lazy_gettext("The file's extension is not one that this product takes."),
        lazy_gettext("Nothing was saved and nothing was charged."),
    ),
    "too_large": (
        lazy_gettext("The file is too large"),
        lazy_gettext("It is larger than this product takes."),
        lazy_gettext("Nothing was saved and nothing was charged."),
    ),
    "empty_file": (
        lazy_gettext("The file is empty"),
        lazy_gettext("There is nothing in it to analyse. Please choose another file."),
        lazy_gettext("Nothing was saved and nothing was charged."),
    ),
    "no_file": (
        lazy_gettext("There is no file yet"),
        lazy_gettext("Please choose the file to analyse."),
        lazy_gettext("Nothing was saved and nothing was charged."),
    ),
    "not_arrived": (
        lazy_gettext("The file has not arrived"),
        lazy_gettext("The upload was not finished, or is still on its way."),
        lazy_gettext("Your order is kept. Please send the file again."),
    ),
    "damaged": (
        lazy_gettext("The file arrived damaged"),
        lazy_gettext("What arrived is not what your browser sent: size or checksum differ."),
        lazy_gettext("Your order is kept. Please send the file again."),
    ),
    "conflict": (
        lazy_gettext("This can't be done now"),
        lazy_gettext("The order has moved on since this page was shown."),
        lazy_gettext("Nothing was charged by this. The order's page shows where it stands."),
    ),
    "method_not_available": (
        lazy_gettext("This payment method is not available"),
        lazy_gettext("It can't be used for this amount. Please choose another one."),
        lazy_gettext("Nothing was charged."),
    ),
    "not_open": (
        lazy_gettext("The result is not open yet"),
        lazy_gettext("It opens as soon as the payment is confirmed. The order's page shows where it stands."),
        lazy_gettext("Your result is kept safe."),
    ),
    "refunded": (
        lazy_gettext("This order was refunded"),
        lazy_gettext("Its downloads are closed."),
        lazy_gettext("The order's page shows the refund. You can order again at any time."),
    ),
    "expired_link": (
        lazy_gettext("This link can't be used any more"),
        lazy_gettext("It is too old, was used before, or was cut off on its way."),
        lazy_gettext("Nothing is lost. Log in with your e-mail address to get to your orders."),
    ),
    "too_many": (
        lazy_gettext("Too many requests"),
        lazy_gettext("This was asked for many times in a short while. Please wait a little and try again."),
        lazy_gettext("Nothing is lost."),
    ),
    "stripe_down": (
        lazy_gettext("The payment service does not answer"),
        lazy_gettext("Stripe, which handles payments for us, can't be reached at the moment."),
        lazy_gettext("Nothing was charged by this. Your order and your file are safe."),
    ),
    "stripe_refused": (
        lazy_gettext("The payment could not be started"),
        lazy_gettext("The payment service did not accept our request. This is our fault, and we will look into it."),
        lazy_gettext("Nothing was charged. Your order and your file are safe."),
    ),
    "storage_down": (
        lazy_gettext("The file store does not answer"),
        lazy_gettext(
            "The place where files are kept can't be reached at the moment. Please try again in a few minutes."
        ),
        lazy_gettext("Your order is safe, and nothing was charged by this."),
    ),
    "outside": (
        lazy_gettext("A service does not answer"),
        lazy_gettext("Something that we depend on can't be reached at the moment. Please try again in a few minutes."),
        lazy_gettext("Your orders and files are safe."),
    ),
    "form_expired": (
        lazy_gettext("This page was open for too long"),
        lazy_gettext(
            "For your safety a form can only be sent for a while after it was opened. "
            "Please go back, reload the page and send it again."
        ),
        lazy_gettext("Nothing was saved and nothing was charged."),
    ),
    "bad_request": (
        lazy_gettext("The request could not be understood"),
        lazy_gettext("Something in the address or the form is not as it should be."),
        lazy_gettext("Nothing was saved and nothing was charged."),
    ),
    "forbidden": (
        lazy_gettext("You may not open this page"),
        lazy_gettext("Your account does not have the right to see it."),
        lazy_gettext("Nothing was changed."),
    ),
    "wrong_method": (
        lazy_gettext("This address can't be opened this way"),
        lazy_gettext("Please start again from the page with the button."),
        lazy_gettext("Nothing was saved and nothing was charged."),
    ),
    "too_much": (
        lazy_gettext("Too much was sent at once"),
        lazy_gettext("The form is larger than it can be. Files go to the file store, not into the form."),
        lazy_gettext("Nothing was saved and nothing was charged."),
    ),
    "unexpected": (
        lazy_gettext("Something went wrong on our side"),
        lazy_gettext("We have been told and will look into it. Please try again in a few minutes."),
        lazy_gettext("Your orders, files and payments are safe."),
    ),
}

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


def _limited(_error: RateLimitExceeded) -> Response:
    response = show_error(429, "too_many")
    response.headers.setdefault("Retry-After", "60")
    return response


def _foreign_host(_error: SecurityError) -> Response:
    # No page: with a host that is not ours (AC-H05) not even the address of our style sheet is known.
    text = "400 このアドレスでは開けません。 This address is not served here.\n"
    return Response(text, 400, mimetype="text/plain")


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    response = show_error(status, CODE_OF_STATUS.get(status, "unexpected"))
    if error.response is None:
        for name, value in error.get_headers():
            if name in {"Allow", "Retry-After"}:
                response.headers[name] = value
    return response


def _database_error(error: Exception) -> Response:
    log.error("error.database", exc_info=error)
    return show_error(503, "outside")


def _unexpected(error: Exception) -> Response:
    log.error("error.unexpected", exc_info=error)
    return show_error(500, "unexpected")


HANDLERS: tuple[tuple[type[Exception], Callable[[Any], Response]], ...] = (
    (PortalError, _portal_error),
    (CSRFError, _csrf_error),
    (RateLimitExceeded, _limited),
    (SecurityError, _foreign_host),
    (HTTPException, _http_error),
    (DBAPIError, _database_error),
    (PoolTimeoutError, _database_error),
    (Exception, _unexpected),
)


def init_errors(app: Flask) -> None:
    """Register one handler for each family of errors."""
    for family, handler in HANDLERS:
        app.register_error_handler(family, handler)
