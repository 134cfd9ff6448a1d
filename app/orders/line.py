"""Whose analysis is next: the place in the line, worked out when an order gets into it (docs/decisions/018).

Each product has a line of its own, so that no more of its analyses run at a time than the catalog says. All lines
share one measure: the moment at which an order was ready, and one hour more for each other order of the same person
that is not analysed yet. So a hundred files of one address don't keep another's first one waiting, and every order's
turn comes: whoever gets ready an hour later for each of them is behind.
"""

from datetime import UTC, datetime

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from app.jobs import Place
from app.models import Order
from app.orders.states import PAID

HOUR = 3600
HEAD_START = HOUR // 2  # of those who have paid first
DAY_ZERO = datetime(2026, 1, 1, tzinfo=UTC)
LAST = 2**31 - 1  # what DBOS takes


def queue_of(product: str) -> str:
    """Return the queue of a product's analyses."""
    return f"analysis.{product}"


def place_of(session: Session, order_id: str) -> Place:
    """Return queue and priority of an order's analysis; the smaller number comes first."""
    order = session.get_one(Order, order_id)
    mine = (same_person(order.email), waiting_or_running(), Order.id != order_id)
    others = session.scalar(select(func.count()).where(*mine)) or 0
    ready = max(at for at in (order.created_at, order.uploaded_at, order.paid_at) if at is not None)
    paid_first = HEAD_START if order.charge == "before_analysis" else 0
    moment = int((ready - DAY_ZERO).total_seconds()) + HOUR * others - paid_first
    return Place(queue_of(order.product), min(max(moment, 1), LAST))


def waiting_or_running() -> ColumnElement[bool]:
    """Find the orders whose analysis is under way or will be as soon as it is their turn."""
    ready = or_(Order.charge == "after_analysis", Order.money.in_(PAID))
    return and_(Order.state.in_(("uploaded", "analysing")), ready)


def same_person(email: str) -> ColumnElement[bool]:
    """Find the orders of an address however it is tagged: mail to `me+1@example.jp` goes to `me@example.jp`."""
    local, _, domain = email.rpartition("@")
    name = local.partition("+")[0]
    tagged = and_(
        Order.email.startswith(f"{name}+", autoescape=True), Order.email.endswith(f"@{domain}", autoescape=True)
    )
    return or_(Order.email == f"{name}@{domain}", Order.email == email, tagged)
