"""The table of events as their queue: a worker takes what is due and writes down how it went (decision 010).

Taking, failing and dying are conditional UPDATEs of one row, so an event is lost at no moment: until it is handled it
is due, held by a worker, or dead. A held event comes back when its worker stops to live, not after some time: no
clock decides about it.
"""

import random
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import literal_column, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.errors import StripeDownError
from app.models import StripeEvent

WAITS = tuple(timedelta(seconds=s) for s in (2, 10, 30, 120, 480, 1200, 3600, 7200, 14_400, 21_600, 36_000))
"""How long to wait after the first failed try, the second, ...: seconds at first, 23.5 hours in all."""
ATTEMPTS = len(WAITS) + 1
# While Stripe is down no event is at fault: tries count up to here only, so all are tried within minutes after it
# comes back (I3), for a day.
OUTAGE_ATTEMPTS = 4
OUTAGE = timedelta(hours=24)
JITTER = 0.2  # a wait is up to so much shorter or longer, so that what failed together is not tried together
AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST_NOTE = 300
REPLAYED = ("dead", "received")

# A literal, not a parameter: only so do both databases see that the index of waiting events fits.
WAITING = StripeEvent.state == literal_column("'received'")


class Taken(NamedTuple):
    """An event in the hands of `worker`; `attempts` counts this try."""

    id: str
    attempts: int
    received_at: datetime
    worker: str


def take_due(session: Session, worker: str, most: int, now: datetime) -> list[Taken]:
    """Take up to `most` events that are due; each goes to one worker only."""
    due = (WAITING, StripeEvent.taken_by.is_(None), StripeEvent.due_at <= now)
    found = (
        select(StripeEvent.id)
        .where(*due)
        .order_by(StripeEvent.due_at, StripeEvent.received_at)
        .limit(most)
        .with_for_update(skip_locked=True)  # SQLite has no row locks: there the UPDATE's condition decides
    )
    ids = session.scalars(found).all()
    if not ids:
        return []
    taken = session.execute(
        update(StripeEvent)
        .where(StripeEvent.id.in_(ids), *due)
        .values(taken_by=worker, attempts=StripeEvent.attempts + 1)
        .returning(StripeEvent.id, StripeEvent.attempts, StripeEvent.received_at)
    )
    return [Taken(*row, worker=worker) for row in taken]


def give_back(session: Session, taken: Taken, error: Exception, now: datetime) -> bool:
    """Keep why a try failed (AC-W13): due again later, or dead after the last try; returns whether it is dead now.

    A worker that was given up by the others meanwhile changes nothing: by then another try counts.
    """
    outage = isinstance(error, StripeDownError)
    attempts = min(taken.attempts, OUTAGE_ATTEMPTS) if outage else taken.attempts
    dead = now - taken.received_at >= OUTAGE if outage else attempts >= ATTEMPTS
    outcome = {"state": "dead", "handled_at": now} if dead else {"due_at": now + _wait(attempts)}
    done = session.execute(
        update(StripeEvent)
        .where(
            StripeEvent.id == taken.id,
            WAITING,
            StripeEvent.taken_by == taken.worker,
            StripeEvent.attempts == taken.attempts,
        )
        .values(taken_by=None, attempts=attempts, note=reason(error), **outcome)
    )
    return dead and done.rowcount == 1  # type: ignore[attr-defined]


def _wait(attempts: int) -> timedelta:
    return WAITS[attempts - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  (no secret)


def reason(error: Exception) -> str:
    """Say in a line what went wrong, without what a database error quotes of the data."""
    text = str(getattr(error, "orig", error) if isinstance(error, DBAPIError) else error).partition("\n")[0]
    return f"{type(error).__name__}: {text}"[:LONGEST_NOTE]


def let_go(session: Session, worker: str, now: datetime, held: Collection[str] = ()) -> None:
    """Make due what a worker took and does not hold any more: it died, or could not write down how it went.

    An event that ended its worker's life too often is dead like any other (Q3).
    """
    lost = (WAITING, StripeEvent.taken_by == worker, StripeEvent.id.not_in(held))
    session.execute(
        update(StripeEvent)
        .where(*lost, StripeEvent.attempts >= ATTEMPTS)
        .values(state="dead", taken_by=None, handled_at=now, note="the worker died in the last try")
    )
    session.execute(update(StripeEvent).where(*lost).values(taken_by=None))


def replay(session: Session, event_id: str) -> str | None:
    """Begin anew with a dead or waiting event: at once, all tries before it. Returns the state it was in, if any.

    What was handled or ignored stays so; what a worker has in its hands is being done.
    """
    state = session.scalar(select(StripeEvent.state).where(StripeEvent.id == event_id))
    session.execute(
        update(StripeEvent)
        .where(StripeEvent.id == event_id, StripeEvent.state.in_(REPLAYED), StripeEvent.taken_by.is_(None))
        .values(state="received", attempts=0, due_at=AT_ONCE, handled_at=None)
    )
    return state
