"""The orders of an address."""

from flask import Blueprint, render_template

blueprint = Blueprint("history", __name__)


@blueprint.get("/history")
def index() -> str:
    """Show the orders of the person who is logged in."""
    return render_template("history/index.html")
