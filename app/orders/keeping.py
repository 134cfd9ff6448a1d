"""How long a result is kept: `orders.kept_until` is the last moment of its last day in Japan."""

from datetime import datetime, timedelta

from app.kit.clock import last_moment
from app.models import Order
from app.portal import portal

KEEP_DAYS = 180
"""Of a product that is not sold any more."""
MORE = timedelta(days=30)
TIMES = 3
"""How often a result may be kept for thirty days more."""


def last_day(order: Order, delivered_at: datetime) -> datetime:
    """Return until when a result is kept that was delivered then, in UTC."""
    return last_moment(delivered_at + _days(order))


def kept_longer(order: Order) -> datetime | None:
    """Return until when the order's customer may have the result kept now, or None.

    That can be asked for in the last thirty days, and `TIMES` times in all.
    """
    if order.kept_until is None or order.delivered_at is None or order.kept_until > portal.clock() + MORE:
        return None
    longer = last_moment(order.kept_until + MORE)
    return longer if longer <= last_moment(order.delivered_at + _days(order) + TIMES * MORE) else None


def _days(order: Order) -> timedelta:
    product = portal.catalog.product(order.product)
    return timedelta(days=product.keep_days if product else KEEP_DAYS)
