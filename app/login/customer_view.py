"""A member of staff sees the portal as a customer sees it, for an hour, and changes nothing.

While the view goes on, this browser is the customer's on every page: the back office is closed, what writes is refused,
and so is everything that leads to a file or asks Stripe. Whoever may begin one, and how: `app.staff.view_as`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Flask, request
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import PortalError
from app.kit.ids import digest
from app.models import CustomerView, LoginSession, Order
from app.portal import portal
from app.web.cookies import read_cookie
from app.web.gate import READING

VIEW_COOKIE = "view_as"
VIEW_LIFE = timedelta(minutes=60)
# In these the member is the member: what ends the view, and what ends the session and the view with it.
WAYS_OUT = ("staff_view_as.end", "login.logout")
CLOSED = (
    "delivery.download",
    "delivery.report",
    "delivery.preview",
    "privacy.export",
    "checkout.returned",  # takes over what Stripe says of the payment
)
"""Pages that only read, and still are not for somebody who looks on: files of the customer, and what moves money."""


class OnlyLookingError(PortalError):
    """A member of staff who looks as a customer tried to change or to open something."""

    status = 403
    code = "only_looking"


@dataclass(frozen=True)
class View:
    """A view that goes on: what `Person.view` tells the pages."""

    id: str
    member: str
    order_id: str
    email: str
    ends_at: datetime


def view_here(login: LoginSession, now: datetime) -> View | None:
    """Return the view that this browser's cookie opens in this session of a member, or None."""
    secret = read_cookie(VIEW_COOKIE)
    if not secret or request.endpoint in WAYS_OUT:
        return None
    with portal.database.transaction() as session:
        return live_view(session, secret, login, now)


def live_view(session: Session, secret: str, login: LoginSession, now: datetime) -> View | None:
    """Return the view of a cookie's secret while it goes on; it is good in the member's session that began it only."""
    found = session.execute(
        select(CustomerView, Order.email)
        .join(Order, Order.id == CustomerView.order_id)
        .where(
            CustomerView.id == digest(secret),
            CustomerView.session_id == login.id,
            CustomerView.member == login.email,
            CustomerView.ended_at.is_(None),
            CustomerView.ends_at > now,
            Order.erased_at.is_(None),
        )
    ).one_or_none()
    if found is None:
        return None
    view, email = found
    return View(view.id, view.member, view.order_id, email, view.ends_at)


def init_customer_view(app: Flask) -> None:
    """Refuse whatever is more than looking, before any room sees it."""

    @app.before_request
    def only_look() -> None:
        if read_cookie(VIEW_COOKIE) is None or request.endpoint == "static":
            return
        looking = current_user.is_authenticated and current_user.view is not None
        if looking and (request.method not in READING or request.endpoint in CLOSED):
            raise OnlyLookingError
