"""Checkout Sessions that Stripe may have made though it answered with a failure of its own (P2).

Nobody was given their address, but they are open for a day; before an order gets another payable session, they are
looked for and closed.
"""

from datetime import datetime, timedelta

import structlog
from sqlalchemy import select

from app.errors import StripeRefusedError
from app.gateways.session_request import SESSION_LIFE
from app.models import Payment
from app.portal import portal

CLOCKS_APART = timedelta(minutes=5)

log = structlog.get_logger()


def close_lost(order_id: str) -> None:
    """Close what an order's given-up attempts may have left open at Stripe.

    Raises StripeDownError where that can't be known: then no other session may be made yet.
    """
    now = portal.clock()
    query = select(Payment.id, Payment.created_at).where(
        Payment.order_id == order_id,
        Payment.state == "abandoned",
        Payment.session_id.is_(None),
        Payment.created_at > now - SESSION_LIFE,
    )
    with portal.database.transaction() as session:
        lost = {row.id: row.created_at for row in session.execute(query)}
    if not lost:
        return
    for session_id in _open_sessions(set(lost), min(lost.values()) - CLOCKS_APART):
        try:
            portal.stripe.expire_session(session_id)
        except StripeRefusedError:
            log.info("checkout.lost_session_not_open", order_id=order_id, session_id=session_id)
        else:
            log.warning("checkout.lost_session_closed", order_id=order_id, session_id=session_id)


def _open_sessions(attempts: set[str], since: datetime) -> list[str]:
    found: list[str] = []
    after, more = None, True
    while more:
        page, more = portal.stripe.list_sessions(since=since, after=after)
        found += [
            s["id"] for s in page if s["status"] == "open" and (s.get("metadata") or {}).get("attempt") in attempts
        ]
        after = page[-1]["id"] if page else None
    return found
