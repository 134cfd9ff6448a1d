"""Who may see an order: the browser that made it until its address is proved, then whoever proved that address.

The address that a payer typed at Stripe never grants anything (AC-L20). An unknown order and somebody else's order
are the same NotFoundError (DESIGN, rule 10). How an order passes from one owner to the next: `app.orders.owners`.
"""

import hmac

from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from app.errors import ExpiredLinkError, NotFoundError
from app.kit.ids import digest, is_uuid
from app.kit.signing import BadTokenError
from app.models import Order, Payment
from app.portal import portal
from app.web.cookies import read_cookie

PAY_LINK_LIFE_S = 30 * 86_400


class LoginNeededError(NotFoundError):
    """The order was made in this browser, and belongs to a proved address since: its owner may log in here."""

    status = 401
    code = "login_needed"

    def __init__(self, order_id: str) -> None:
        """Take the order that the login is for."""
        super().__init__()
        self.order_id = order_id


def order_for_viewer(session: Session, order_id: str) -> Order:
    """Return the order with its payments and refunds, or raise NotFoundError (LoginNeededError)."""
    order = _load(session, order_id)
    if order is not None and may_open(order):
        return order
    # Whoever is logged in with another address would be sent to and fro between the login and the order.
    if order is not None and _made_here(order) and not current_user.is_authenticated:
        raise LoginNeededError(order.id)
    raise NotFoundError


def order_for_payer(session: Session, order_id: str, token: str | None) -> Order:
    """Return the order for its viewer, or for whoever holds the signed pay link of its mail.

    Raises ExpiredLinkError for a token that was altered or is too old, NotFoundError without one.
    """
    if not token:
        return order_for_viewer(session, order_id)
    try:
        value = portal.signer.read("pay-link", token, PAY_LINK_LIFE_S)
    except BadTokenError:
        raise ExpiredLinkError from None
    order = _load(session, order_id) if hmac.compare_digest(value.encode(), order_id.encode()) else None
    if order is None:
        raise NotFoundError
    return order


def may_open(order: Order) -> bool:
    """Tell whether the order is this browser's or this person's, rather than open by the pay link alone."""
    return _owned(order) or (order.proved_at is None and _made_here(order))


def _load(session: Session, order_id: str) -> Order | None:
    if not is_uuid(order_id):
        return None
    return session.scalar(
        select(Order)
        .where(Order.id == order_id, Order.erased_at.is_(None))
        .options(selectinload(Order.payments).selectinload(Payment.refunds))
    )


def _made_here(order: Order) -> bool:
    claim = read_cookie("claim")
    if claim is None or order.claim_hash is None:
        return False
    return hmac.compare_digest(digest(claim), order.claim_hash)


def _owned(order: Order) -> bool:
    return bool(current_user.is_authenticated) and current_user.email == order.email
