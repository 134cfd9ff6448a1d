"""Logging in by mail: ask, link, code, log out, account."""

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue

blueprint = Blueprint("login", __name__)


@blueprint.get("/login")
def ask() -> ResponseReturnValue:
    """Ask for the address."""
    return redirect(url_for("intake.index"))


@blueprint.post("/logout")
def logout() -> ResponseReturnValue:
    """Log out."""
    return redirect(url_for("intake.index"), 303)
