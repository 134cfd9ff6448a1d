"""Back office, read-only."""

from flask import Blueprint

from app.errors import NotFoundError

blueprint = Blueprint("staff", __name__, url_prefix="/staff")


@blueprint.get("/orders")
def orders() -> str:
    """Show the orders, newest first."""
    raise NotFoundError


@blueprint.get("/orders/<order_id>")
def order(order_id: str) -> str:
    """Show all that is known of one order."""
    raise NotFoundError(order_id)
