"""Search of the list of orders: what a member of staff types or pastes, turned into what the database can find.

A whole OrderID, a whole address and an id of Stripe's are looked up as they are. Everything else is taken as words,
each of which must be in what an order is known by: see `app.staff.pieces`.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Sequence

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session

from app.kit.addresses import BadAddressError, canonical
from app.kit.ids import is_uuid
from app.models import Order, Payment, Refund, StripeEvent
from app.staff.pieces import Words, indexed

MOST_ORDERS = 5000  # of one customer at Stripe
_STRIPE_ID = re.compile(r"(cs|pi|cus|re|pyr|evt)_[A-Za-z0-9_]{8,100}")


def meaning(session: Session, text: str) -> ColumnElement[bool] | Words | None:
    """Return what a search text means: a condition on orders, the words to look for, or None where it is neither."""
    text = unicodedata.normalize("NFC", text.strip())
    if not text.isprintable():
        return None
    stripe = _STRIPE_ID.fullmatch(text)
    if stripe:
        return Order.id.in_(_STRIPE_IDS[stripe[1]](session, text))
    if is_uuid(text.lower()):
        return Order.id == text.lower()
    address = _known_address(session, text) if "@" in text else None
    if address:
        return Order.email == address
    words = tuple("".join(c.lower() if c.isascii() else c for c in word) for word in text.split())
    return words if any(map(indexed, words)) else None


def _known_address(session: Session, text: str) -> str | None:
    """Return the address that the text is as a whole: taro@example.co is also a piece of another one."""
    try:
        address = canonical(text)
    except BadAddressError:
        return None
    return address if session.scalar(select(exists().where(Order.email == address))) else None


def _payment(column: str) -> Callable[[Session, str], Sequence[str]]:
    def orders_of(session: Session, value: str) -> Sequence[str]:
        return session.scalars(
            select(Payment.order_id).where(getattr(Payment, column) == value).limit(MOST_ORDERS)
        ).all()

    return orders_of


def _refund(session: Session, value: str) -> Sequence[str]:
    return session.scalars(select(Payment.order_id).join(Payment.refunds).where(Refund.id == value)).all()


def _event(session: Session, value: str) -> Sequence[str]:
    event = session.get(StripeEvent, value)
    names = (event.object_id, _intent_of(event)) if event else ()
    known = [(name, _STRIPE_ID.fullmatch(name)) for name in names if name]
    found = [_STRIPE_IDS[kind[1]](session, name) for name, kind in known if kind and kind[1] != "evt"]
    return [order_id for order_ids in found for order_id in order_ids]


def _intent_of(event: StripeEvent) -> str | None:
    """Return the PaymentIntent of a charge's or a dispute's event."""
    if not event.payload:
        return None
    thing = json.loads(event.payload).get("data", {}).get("object", {})
    intent = thing.get("payment_intent")
    return intent if isinstance(intent, str) else None


_STRIPE_IDS: dict[str, Callable[[Session, str], Sequence[str]]] = {
    "cs": _payment("session_id"),
    "pi": _payment("payment_intent_id"),
    "cus": _payment("customer_id"),
    "re": _refund,
    "pyr": _refund,
    "evt": _event,
}
