"""The stand-in's one clock: everything that asks for the time asks here. It can be moved forward, never back.

How far it is ahead of the machine's clock is kept in a file of one number (seconds), which a portal that wants
to follow may read (`CLOCK_FILE` there).
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

from sandbox import config

JST = timezone(timedelta(hours=9), "JST")


class _Ahead:
    """Seconds that the stand-in is ahead, in memory and in the file."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.path: Path | None = None

    def load(self) -> None:
        self.path = config.load().dir / "clock"
        self.seconds = float(self.path.read_text()) if self.path.exists() else 0.0

    def save(self, seconds: float) -> None:
        self.seconds = seconds
        if self.path:
            fresh = self.path.with_suffix(".new")
            fresh.write_text(f"{seconds:.3f}\n")
            fresh.replace(self.path)


_ahead = _Ahead()


def load() -> None:
    """Begin where the last process stopped."""
    _ahead.load()


def exact() -> float:
    """Seconds since 1970 (UTC) with fractions."""
    return time.time() + _ahead.seconds


def now() -> int:
    """Seconds since 1970 (UTC), as Stripe writes times."""
    return int(exact())


def ahead() -> float:
    """Seconds that this clock is ahead of the machine's."""
    return _ahead.seconds


def move_to(moment: float) -> None:
    """Make it `moment` (seconds since 1970) now; an earlier one than now changes nothing."""
    if moment > exact():
        # A millisecond past it: rounding must not leave a whole second reading as the one before.
        _ahead.save(moment + 0.001 - time.time())


def end_of_day_jst(start: int, days: int) -> int:
    """23:59:59 JST of the day `days` after `start`: when a konbini voucher ends.

    Source: https://docs.stripe.com/payments/konbini/accept-a-payment
    """
    day = datetime.fromtimestamp(start, JST) + timedelta(days=days)
    return int(day.replace(hour=23, minute=59, second=59, microsecond=0).timestamp())
