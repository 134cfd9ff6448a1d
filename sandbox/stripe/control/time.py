"""The clock: read it, and make time pass."""

from __future__ import annotations

from datetime import datetime

from sandbox.stripe import clock, scheduler, timers
from sandbox.stripe.control.moments import Fields, moment
from sandbox.stripe.errors import InvalidRequestError
from sandbox.stripe.running import store
from sandbox.stripe.store import Json

UNITS = {"seconds": 1, "hours": 3600, "days": 24 * 3600}
# As far as the clock goes at once: beyond every deadline that Stripe has, and short of the calendar's end.
MAX_SECONDS = 10 * 366 * 24 * 3600


@moment("time", "GET")
def read(_fields: Fields) -> Json:
    """Give `now` (seconds since 1970) and how many seconds that is `ahead` of the machine's clock."""
    return _reading()


def _reading() -> Json:
    return {"now": clock.now(), "ahead": round(clock.ahead(), 3)}


@moment("time/advance")
def advance(fields: Fields) -> Json:
    """Play all that is due until `{"seconds" | "hours" | "days": n}` from now or `{"to": seconds since 1970}`.

    A form gives `to` as a date and time in Japan, such as 2026-11-21T23:59.
    """
    given = [name for name in (*UNITS, "to") if fields.get(name) not in (None, "")]
    if len(given) != 1:
        raise InvalidRequestError("Give one of seconds, hours, days and to.")
    (name,) = given
    wanted = _moment(fields) if name == "to" else fields.number(name)
    with timers.turn:  # of two who move the clock by some hours, the second begins where the first has ended
        now = clock.exact()
        target = wanted if name == "to" else now + wanted * UNITS[name]
        if target < clock.now() or target > now + MAX_SECONDS:
            raise InvalidRequestError("The clock goes forward only, by ten years at most.", param=name)
        scheduler.advance(store(), target)
    return _reading()


def _moment(fields: Fields) -> float:
    text = fields.text("to")
    try:
        written = datetime.fromisoformat(text) if "T" in text else None
    except ValueError:
        raise InvalidRequestError(f"Not a date and time: {text}", param="to") from None
    return written.replace(tzinfo=clock.JST).timestamp() if written else fields.number("to")
