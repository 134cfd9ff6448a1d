"""The stand-in's one clock: everything that asks for the time asks here."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone

JST = timezone(timedelta(hours=9), "JST")


def now() -> int:
    """Seconds since 1970 (UTC), as Stripe writes times."""
    return int(time.time())


def end_of_day_jst(start: int, days: int) -> int:
    """23:59:59 JST of the day `days` after `start`: when a konbini voucher ends (stripe.md 2.1)."""
    day = datetime.fromtimestamp(start, JST) + timedelta(days=days)
    return int(day.replace(hour=23, minute=59, second=59, microsecond=0).timestamp())
