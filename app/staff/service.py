"""Ending a customer's logins."""

from datetime import datetime

from sqlalchemy.orm import Session

from app.login.sessions import end_all_sessions
from app.models import Order
from app.orders.lifecycle import record


def end_customers_sessions(session: Session, order: Order, by: str, now: datetime) -> int:
    """End every login of the order's address and say so in the order's audit; `by`: the staff member's address."""
    ended = end_all_sessions(session, order.email, now)
    record(session, order.id, "staff.sessions_ended", f"staff:{by}", now, count=ended)
    return ended
