"""Beginning and ending a view as a customer: each is an entry of the staff log; the beginning is in the order's record.

What such a view can do is said in `app.login.customer_view`.
"""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.kit.ids import digest, new_secret
from app.login.customer_view import VIEW_LIFE
from app.login.people import Person
from app.models import CustomerView, LoginSession, Order
from app.orders.lifecycle import record
from app.portal import portal
from app.staff.log import write, write_for


def begin(session: Session, order: Order, who: Person, reason: str, now: datetime) -> str:
    """Let a member of staff look as the customer of an order from now on; return the secret of the cookie.

    It ends by itself: with its hour, with the member's session, or when the order is made nameless.
    """
    secret = new_secret()
    view = CustomerView(
        id=digest(secret),
        member=who.email,
        session_id=who.session_id,
        order_id=order.id,
        reason=reason,
        begun_at=now,
        ends_at=now + VIEW_LIFE,
    )
    session.add(view)
    record(session, order.id, "staff.viewed_as", f"staff:{who.email}", now)
    portal.jobs.enqueue(session, "staff.view_over", view.id, delay=VIEW_LIFE)
    write(session, "order.view_begin", f"order:{order.id}", reason=reason, until=view.ends_at.isoformat())
    return secret


def end(session: Session, secret: str, who: Person, now: datetime) -> str | None:
    """End the view of a cookie's secret; return its OrderID, or None where none of this member's goes on."""
    view = session.get(CustomerView, digest(secret))
    if view is None or view.member != who.email or not _close(session, view, now):
        return None
    write(session, "order.view_end", f"order:{view.order_id}", how="button")
    return view.order_id


def end_all(session: Session, member: str, now: datetime) -> None:
    """End every view of a member whose rights change."""
    open_ones = select(CustomerView).where(CustomerView.member == member, CustomerView.ended_at.is_(None))
    for view in session.scalars(open_ones).all():
        if _close(session, view, now):
            write(session, "order.view_end", f"order:{view.order_id}", how="role changed", of=member)


def close(view_id: str) -> None:
    """Write down how a view ended that nobody has ended by hand, once its hour is over; again, this does nothing."""
    with portal.database.transaction() as session:
        view = session.get(CustomerView, view_id)
        if view is None:
            return
        login = session.get(LoginSession, view.session_id)
        gone = login.ended_at if login else None
        logged_out = gone is not None and gone < view.ends_at
        if _close(session, view, gone if gone and logged_out else view.ends_at):
            how = "logged out" if logged_out else "time"
            write_for(session, view.member, "order.view_end", f"order:{view.order_id}", how=how)


def _close(session: Session, view: CustomerView, at: datetime) -> bool:
    done = session.scalars(
        update(CustomerView)
        .where(CustomerView.id == view.id, CustomerView.ended_at.is_(None))
        .values(ended_at=at)
        .returning(CustomerView.id)
        .execution_options(synchronize_session=False)
    )
    return done.one_or_none() is not None
