"""The one place that tells the time. Data is in UTC, pages speak Japan's time (JST)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

JST = ZoneInfo("Asia/Tokyo")

Clock = Callable[[], datetime]
"""Returns the present moment as an aware datetime in UTC."""


def system_clock() -> datetime:
    """Return the machine's time in UTC."""
    return datetime.now(UTC)


def following_clock(path: Path) -> Clock:
    """Return a clock that is ahead of the machine's by the seconds that a file holds (no file, no number: not at all).

    The Stripe stand-in writes that file, so that the portal is never days behind it (demo and tests only).
    """

    def clock() -> datetime:
        try:
            return system_clock() + timedelta(seconds=float(path.read_text()))
        except (FileNotFoundError, ValueError, OverflowError):
            return system_clock()

    return clock


def from_unix(seconds: float) -> datetime:
    """Turn seconds since 1970 (how Stripe writes time) into an aware datetime in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def last_moment(moment: datetime) -> datetime:
    """Return the last second of Japan's day that a moment lies in, in UTC."""
    return moment.astimezone(JST).replace(hour=23, minute=59, second=59, microsecond=0).astimezone(UTC)
