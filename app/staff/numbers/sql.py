"""What the two databases write differently: days in Japan, and time between two moments."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Date, Integer, and_, cast, extract, func, literal_column
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.staff.numbers.period import Period

Moment = InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None]

# Constants in the statement: with parameters PostgreSQL does not see that SELECT and GROUP BY mean the same.
_NINE_HOURS: ColumnElement[str] = literal_column("'+9 hours'")
_TOKYO: ColumnElement[str] = literal_column("'Asia/Tokyo'")


def within(column: Moment, period: Period) -> ColumnElement[bool]:
    """Hold for the moments of a period."""
    return and_(column >= period.begin, column < period.end)


def day_of(session: Session, column: Moment) -> ColumnElement[date]:
    """Give the day in Japan of a moment."""
    if _sqlite(session):
        return func.date(column, _NINE_HOURS, type_=Date)
    return cast(func.timezone(_TOKYO, column), Date)


def time_between(session: Session, begun: Moment, ended: Moment, unit: int = 1) -> ColumnElement[int]:
    """Give the time from one moment to another in whole units of so many seconds."""
    if _sqlite(session):
        days: ColumnElement[Any] = func.julianday(ended) - func.julianday(begun)
        return cast(func.round(days * 86_400 / unit), Integer)
    return cast(func.round(extract("epoch", ended - begun) / unit), Integer)


def _sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"
