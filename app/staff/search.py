"""Search of the back office: what a member of staff types or pastes, turned into a condition on orders.

Conditions use an index: the orders' key, their whole address, or a Stripe id of the payments. The beginning
of an address does so on PostgreSQL with the collation C only; elsewhere it looks at all addresses.
"""

import json
import re
from collections.abc import Callable

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import Session

from app.kit.addresses import BadAddressError, canonical
from app.models import Order, Payment, Refund, StripeEvent

_PIECE_OF_ID = re.compile(r"[0-9a-f-]{6,36}")
_UUID_GROUPS = (8, 4, 4, 4, 12)


def condition(session: Session, text: str) -> ColumnElement[bool] | None:
    """Return the orders that a search text means, or None where it is nothing that can be searched for.

    OrderID (whole, or its first 6 characters and more), e-mail address (whole, or its beginning with the @),
    Stripe id (cs_, pi_, cus_, re_, evt_).
    """
    text = text.strip()
    if not text.isprintable():
        return None
    for prefix, meaning in _STRIPE_IDS.items():
        if text.startswith(prefix):
            return meaning(session, text)
    if "@" in text:
        return _address(session, text)
    lowered = text.lower()
    return _order_id(lowered) if _PIECE_OF_ID.fullmatch(lowered) else None


def _order_id(piece: str) -> ColumnElement[bool] | None:
    """Take the beginning of a UUID as a range of whole UUIDs: it sorts alike in every collation."""
    digits = piece.replace("-", "")
    if not digits or len(digits) > sum(_UUID_GROUPS):
        return None
    return Order.id.between(_uuid(digits, "0"), _uuid(digits, "f"))


def _uuid(digits: str, fill: str) -> str:
    rest = digits.ljust(sum(_UUID_GROUPS), fill)
    groups = []
    for length in _UUID_GROUPS:
        groups.append(rest[:length])
        rest = rest[length:]
    return "-".join(groups)


def _address(session: Session, text: str) -> ColumnElement[bool]:
    beginning = text.lower()
    try:
        whole = canonical(text)
    except BadAddressError:
        return Order.email.startswith(beginning, autoescape=True)
    # taro@example.co is an address and the beginning of another one.
    known = session.scalar(select(exists().where(Order.email == whole)))
    return Order.email == whole if known else Order.email.startswith(whole, autoescape=True)


def _payment(column: str) -> Callable[[Session, str], ColumnElement[bool]]:
    def meaning(_session: Session, value: str) -> ColumnElement[bool]:
        return Order.id.in_(select(Payment.order_id).where(getattr(Payment, column) == value))

    return meaning


def _refund(_session: Session, value: str) -> ColumnElement[bool]:
    return Order.id.in_(select(Payment.order_id).join(Payment.refunds).where(Refund.id == value))


def _event(session: Session, value: str) -> ColumnElement[bool] | None:
    event = session.get(StripeEvent, value)
    if event is None:
        return None
    found = [
        meaning(session, name)
        for name in (event.object_id, _intent_of(event))
        for prefix, meaning in _STRIPE_IDS.items()
        if name and name.startswith(prefix) and prefix != "evt_"
    ]
    return or_(*[part for part in found if part is not None]) if found else None


def _intent_of(event: StripeEvent) -> str | None:
    """Return the PaymentIntent of a charge's or a dispute's event."""
    if not event.payload:
        return None
    thing = json.loads(event.payload).get("data", {}).get("object", {})
    intent = thing.get("payment_intent")
    return intent if isinstance(intent, str) else None


_STRIPE_IDS: dict[str, Callable[[Session, str], ColumnElement[bool] | None]] = {
    "cs_": _payment("session_id"),
    "pi_": _payment("payment_intent_id"),
    "cus_": _payment("customer_id"),
    "re_": _refund,
    "evt_": _event,
}
