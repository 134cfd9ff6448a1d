"""Orders by pieces of what they are known by (`OrderWords`), wherever in it, by the databases' indexes of pieces.

`found` reads the index; where words are common, looking through the first orders of a list (`contains`) is quicker, and
`app.staff.listing.pages` does that first.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    SQLColumnExpression,
    TableValuedAlias,
    Text,
    column,
    exists,
    false,
    func,
    literal,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.orm import Session

from app.models import Order, OrderWords
from app.models.search import PIECES, TERMS

PERIOD = 4_838_400
"""Seconds (eight weeks) of orders that PostgreSQL's index keeps together; migration 0011 has the number too."""
PIECE = 3  # characters; shorter words only where they are not ASCII: 売上
_SHORT_PIECE = 2
_MOST_TERMS = 300
_ASKED, _SAMPLE = 4, 200

Words = tuple[str, ...]
Rows = Select[*tuple[Any, ...]]
Conditions = list[ColumnElement[bool]]
Columns = Sequence[SQLColumnExpression[Any]]
Place = tuple[datetime, str] | None


def contains(words: Words) -> ColumnElement[bool]:
    """Return the condition that an order is known by all these words; it looks at each order."""
    return exists().where(OrderWords.order_id == Order.id, *_holding(words))


def found(
    session: Session,
    words: Words,
    conditions: Conditions,
    limit: int,
    *,
    newest_first: bool = True,
    after: Place = None,
) -> Rows:
    """Select `created_at` and `id` of the newest orders (or the oldest) that hold all these words, by the index.

    `conditions` are about orders. `after`: only beyond this place, moment and OrderID.
    """
    at = (OrderWords.created_at, OrderWords.order_id.label("id"))
    asked = _holding(words)
    if after:
        here, there = tuple_(*at), tuple_(literal(after[0], OrderWords.created_at.type), literal(after[1]))
        asked.append(here < there if newest_first else here > there)
    pieces = [word for word in words if indexed(word)]
    if session.get_bind().dialect.name == "sqlite":
        # OFFSET 0: the index of pieces first, whatever SQLite thinks of the conditions.
        known = select(*at).where(_sqlite(session, pieces), *asked).offset(0).subquery()
        return _first(select(*known.c), tuple(known.c), conditions, limit, newest_first=newest_first)
    periods = _periods(session, after, newest_first=newest_first)
    each = select(*at).where(_postgresql(session, pieces, periods.c.number), *asked)
    some = _first(each, at, conditions, limit, newest_first=newest_first).lateral()
    return select(some.c.created_at, some.c.id).select_from(periods.join(some, true())).limit(limit)


def _first(query: Rows, at: Columns, conditions: Conditions, limit: int, *, newest_first: bool) -> Rows:
    if conditions:
        query = query.join(Order, Order.id == at[1]).where(*conditions)
    return query.order_by(*(column.desc() if newest_first else column.asc() for column in at)).limit(limit)


def _holding(words: Words) -> list[ColumnElement[bool]]:
    return [OrderWords.words.contains(word, autoescape=True) for word in words]


def indexed(word: str) -> bool:
    """Tell whether the index can help to find a word; a shorter one is only looked for in what others have found."""
    return len(word) >= PIECE or (len(word) == _SHORT_PIECE and not word.isascii())


def _periods(session: Session, after: Place, *, newest_first: bool) -> TableValuedAlias:
    """Return the numbers of the periods that have orders, in the order in which they are gone through.

    PostgreSQL reads one after the other and stops with the limit: a common word costs little in a long history.
    """
    ends = session.execute(select(func.min(Order.created_at), func.max(Order.created_at))).one()
    here = (after[0], after[0]) if after else ends
    begin, end = (ends[0], here[1]) if newest_first else (here[0], ends[1])
    first, last = (int(moment.timestamp() // PERIOD) if moment else 0 for moment in (begin, end))
    step = (last, first, -1) if newest_first else (first, last, 1)
    return func.generate_series(*step).table_valued(column("number", Integer)).render_derived()


def _postgresql(session: Session, words: list[str], period: ColumnElement[int]) -> ColumnElement[bool]:
    asked = array([func.concat(period, ":", piece, type_=Text) for piece in _rarest(session, words)])
    return func.order_pieces(OrderWords.words, OrderWords.created_at).op("@>")(asked)


def _sqlite(session: Session, words: list[str]) -> ColumnElement[bool]:
    """Ask FTS5; a piece of two characters becomes all known pieces that begin with it."""
    asked = []
    for piece in _rarest(session, words):
        terms = [piece] if len(piece) == PIECE else _terms(session, piece.lower())
        asked.append(f"({' OR '.join(map(_quoted, terms))})" if terms else "")
    if not all(asked):
        return false()
    found = PIECES.c.order_pieces.op("MATCH")(" AND ".join(asked))
    return OrderWords.number.in_(select(PIECES.c.rowid).where(found))


def _rarest(session: Session, words: list[str]) -> list[str]:
    """Return the rarest pieces of words, going by some of the newest orders: a common one is a long list to read."""
    pieces = {word[at : at + PIECE] for word in words for at in range(max(len(word) - PIECE, 0) + 1)}
    newest = session.scalars(select(OrderWords.words).order_by(OrderWords.number.desc()).limit(_SAMPLE)).all()
    return sorted(pieces, key=lambda piece: (sum(piece in known for known in newest), piece))[:_ASKED]


def _terms(session: Session, beginning: str) -> Sequence[str]:
    end = beginning[:-1] + chr(ord(beginning[-1]) + 1)
    query = select(TERMS.c.term).where(TERMS.c.term >= beginning, TERMS.c.term < end).limit(_MOST_TERMS)
    return session.scalars(query).all()


def _quoted(piece: str) -> str:
    doubled = piece.replace('"', '""')
    return f'"{doubled}"'
