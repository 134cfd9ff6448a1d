"""The days that the numbers are about: in Japan's time, both ends included, from the page's address."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from app.errors import BadInputError
from app.kit.clock import JST

USUAL = 30  # days, where the address names none
PRESETS = (7, USUAL, 90, 365)
LONGEST = 366  # days: every query is bounded by it
EARLIEST = date(2015, 1, 1)


@dataclass(frozen=True)
class Period:
    """Days `first` to `last`, and the same as moments in UTC: from `begin` on, before `end`."""

    first: date
    last: date

    @property
    def begin(self) -> datetime:
        """The first midnight."""
        return _midnight(self.first)

    @property
    def end(self) -> datetime:
        """The midnight after the last day."""
        return _midnight(self.last + timedelta(days=1))

    @property
    def days(self) -> list[date]:
        """Every day, oldest first."""
        return [self.first + timedelta(days=number) for number in range((self.last - self.first).days + 1)]


def last_days(count: int, now: datetime) -> Period:
    """Return so many days up to today."""
    today = now.astimezone(JST).date()
    return Period(today - timedelta(days=count - 1), today)


def period_of(first: str, last: str, now: datetime) -> Period:
    """Read two days (2026-11-21); what is empty is as in the last 30 days. Raises BadInputError."""
    usual = last_days(USUAL, now)
    end = _day(last, "to") if last else usual.last
    begin = _day(first, "from") if first else end - (usual.last - usual.first)
    if not EARLIEST <= begin <= end:
        raise BadInputError(field="from")
    if end > usual.last + timedelta(days=LONGEST) or (end - begin).days >= LONGEST:
        raise BadInputError(field="to")
    return Period(begin, end)


def _day(text: str, field: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=JST).date()
    except ValueError:
        raise BadInputError(field=field) from None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), JST).astimezone(UTC)
