"""What is refused before any room sees it: odd methods, forms of other sites, bodies of unknown length."""

from urllib.parse import urlsplit

from flask import Flask, abort, request
from werkzeug.exceptions import LengthRequired, RequestEntityTooLarge

from app.errors import PortalError
from app.settings import Settings

READING = ("GET", "HEAD")
METHODS = (*READING, "POST")
WEBHOOK = "webhooks.stripe"  # comes from Stripe's servers; its signature says so (AC-W01)

# Routes that read a raw body, not a form, and how many bytes it may have; Flask bounds forms (MAX_CONTENT_LENGTH).
# The webhook counts its refusals by outcome and looks by itself.
RAW_BODIES = {"intake.sign": 4 * 1024, "reports.collect": 16 * 1024}


class ForeignSiteError(PortalError):
    """A form of another site was sent here by a customer's browser (AC-L21)."""

    status = 403
    code = "foreign_site"


def init_gate(app: Flask, settings: Settings) -> None:
    """Look at every request before the rooms do."""
    parts = urlsplit(settings.public_url)
    ours = f"{parts.scheme}://{parts.netloc}".lower()

    @app.before_request
    def look() -> None:
        if request.method not in METHODS:
            abort(405, valid_methods=METHODS)
        if request.method in READING or request.endpoint == WEBHOOK:
            return
        if _foreign(ours):
            raise ForeignSiteError
        _measure(RAW_BODIES.get(request.endpoint or ""))


def _foreign(ours: str) -> bool:
    """Tell whether the browser says that another site is behind this request, cookies or not.

    Browsers write Sec-Fetch-Site and Origin, pages can't (Fetch standard). On pages of ours whose address is secret
    the Origin is "null", as it is for any page that hides it: then only Sec-Fetch-Site can say that it is ours.
    Whatever sends neither is no browser of today, and still needs the form's own token.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site not in {None, "same-origin", "none"}:
        return True
    if origin == "null":
        return site is None
    return origin is not None and origin.lower() != ours


def _measure(most: int | None) -> None:
    """Refuse a body in chunks, which no browser sends and some servers cut silently (finding 9), and a long raw one."""
    length = request.content_length
    if request.headers.get("Transfer-Encoding") or (most is not None and length is None):
        raise LengthRequired
    if most is not None and length is not None and length > most:
        raise RequestEntityTooLarge
