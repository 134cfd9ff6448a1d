"""Cookies of our own, always HttpOnly and SameSite=Lax (Strict would lose them on the way back from Stripe)."""

from flask import request
from werkzeug.wrappers import Response

from app.portal import portal

CLAIM_LIFE_S = 180 * 86_400


def _name(name: str) -> str:
    # __Host- needs https; the demo on plain http at 127.0.0.1 goes without (AC-H03).
    return f"__Host-{name}" if portal.settings.secure else name


def read_cookie(name: str) -> str | None:
    """Return the value of one of our cookies, or None."""
    return request.cookies.get(_name(name))


def set_cookie(response: Response, name: str, value: str, *, max_age: int) -> None:
    """Set one of our cookies for `max_age` seconds."""
    response.set_cookie(
        _name(name),
        value,
        max_age=max_age,
        path="/",
        secure=portal.settings.secure,
        httponly=True,
        samesite="Lax",
    )


def drop_cookie(response: Response, name: str) -> None:
    """Remove one of our cookies."""
    response.delete_cookie(_name(name), path="/", secure=portal.settings.secure, httponly=True, samesite="Lax")
