"""Whether what an order's file holds was looked at, so that the order may go on (AC-U06)."""

from app.models import Order
from app.portal import portal


def looked_at(order: Order) -> bool:
    """Tell whether the file may be analysed, and paid for: a scanner called it clean, or none is there to ask.

    `scan` is null until the look came to an end. With a scanner, what it could not read (`unscanned`) waits for staff.
    """
    return order.scan == "clean" or (order.scan == "unscanned" and portal.catalog.uploads.scan == "none")
