"""Search of the list of orders: what a member of staff types or pastes, turned into what the database can find.

A whole OrderID, a whole address and an id of Stripe's are looked up as they are. Everything else is taken as pieces of
what an order is known by (`OrderWords`), each of which must be in it, wherever. `hits` finds such orders by the index
of pieces, which is quick where they are rare; where they are common, the newest orders are simply looked through
(`contains`): `app.staff.listing.pages` does that first.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Sequence

from sqlalchemy import ColumnElement, Text, cast, exists, false, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from app.kit.addresses import BadAddressError, canonical
from app.kit.ids import is_uuid
from app.models import Order, OrderWords, Payment, Refund, StripeEvent
from app.models.search import PIECES, TERMS

MOST_HITS = 5000
"""More orders than these are not found by the index of pieces but by looking through them."""
PIECE = 3  # characters; shorter words only where they are not ASCII: 売上
_SHORT_PIECE = 2
_MOST_TERMS = 300
_STRIPE_ID = re.compile(r"(cs|pi|cus|re|pyr|evt)_[A-Za-z0-9_]{8,100}")

Words = tuple[str, ...]


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
    return words if any(map(_indexed, words)) else None


def contains(words: Words) -> ColumnElement[bool]:
    """Return the condition that an order is known by all these words; it looks at each order."""
    return exists().where(OrderWords.order_id == Order.id, *_holding(words))


def hits(session: Session, words: Words) -> Sequence[str]:
    """Return the OrderIDs that the index of pieces finds, `MOST_HITS` + 1 at most: then there are more."""
    matching = _MATCHING[session.get_bind().dialect.name](session, [word for word in words if _indexed(word)])
    query = select(OrderWords.order_id).where(matching, *_holding(words)).limit(MOST_HITS + 1)
    return session.scalars(query).all()


def _holding(words: Words) -> list[ColumnElement[bool]]:
    return [OrderWords.words.contains(word, autoescape=True) for word in words]


def _indexed(word: str) -> bool:
    return len(word) >= PIECE or (len(word) == _SHORT_PIECE and not word.isascii())


def _postgresql(_session: Session, words: list[str]) -> ColumnElement[bool]:
    """Ask for pieces side by side, which are a third of all: each one more is another list to read."""
    pieces: set[str] = set()
    for word in words:
        last = max(len(word) - PIECE, 0)
        pieces.update(word[at : at + PIECE] for at in (*range(0, last, PIECE), last))
    return func.order_pieces(OrderWords.words).op("@>")(cast(sorted(pieces), ARRAY(Text)))


def _sqlite(session: Session, words: list[str]) -> ColumnElement[bool]:
    """Ask FTS5 for phrases; a word of two characters becomes all known pieces that begin with it."""
    asked = []
    for word in words:
        terms = [word] if len(word) >= PIECE else _terms(session, word.lower())
        asked.append(f"({' OR '.join(map(_phrase, terms))})" if terms else "")
    if not all(asked):
        return false()
    found = PIECES.c.order_pieces.op("MATCH")(" AND ".join(asked))
    return OrderWords.number.in_(select(PIECES.c.rowid).where(found))


def _terms(session: Session, beginning: str) -> Sequence[str]:
    end = beginning[:-1] + chr(ord(beginning[-1]) + 1)
    query = select(TERMS.c.term).where(TERMS.c.term >= beginning, TERMS.c.term < end).limit(_MOST_TERMS)
    return session.scalars(query).all()


def _phrase(word: str) -> str:
    doubled = word.replace('"', '""')
    return f'"{doubled}"'


_MATCHING: dict[str, Callable[[Session, list[str]], ColumnElement[bool]]] = {
    "postgresql": _postgresql,
    "sqlite": _sqlite,
}


def _known_address(session: Session, text: str) -> str | None:
    """Return the address that the text is as a whole: taro@example.co is also a piece of another one."""
    try:
        address = canonical(text)
    except BadAddressError:
        return None
    return address if session.scalar(select(exists().where(Order.email == address))) else None


def _payment(column: str) -> Callable[[Session, str], Sequence[str]]:
    def orders_of(session: Session, value: str) -> Sequence[str]:
        return session.scalars(select(Payment.order_id).where(getattr(Payment, column) == value).limit(MOST_HITS)).all()

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
