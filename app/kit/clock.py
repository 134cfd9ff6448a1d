"""The one place that tells the time. Data is in UTC, pages speak Japan's time (JST)."""

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

JST = ZoneInfo("Asia/Tokyo")

Clock = Callable[[], datetime]
"""Returns the present moment as an aware datetime in UTC."""


def system_clock() -> datetime:
    """Return the machine's time in UTC."""
    return datetime.now(UTC)


def from_unix(seconds: float) -> datetime:
    """Turn seconds since 1970 (how Stripe writes time) into an aware datetime in UTC."""
    return datetime.fromtimestamp(seconds, UTC)
