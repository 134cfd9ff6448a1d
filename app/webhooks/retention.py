"""How long events are kept: personal data in payloads for weeks, ids for more than a year."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, select, true, update

from app.models import StripeEvent
from app.portal import portal

BATCH = 1_000
DONE = ("handled", "ignored")  # what is received or dead is kept until somebody has dealt with it


@dataclass(frozen=True)
class Rule:
    """What happens to events of this age (since they came)."""

    after: timedelta
    applies: ColumnElement[bool]
    forget_row: bool


# An event can be sent again by hand for up to 30 days (https://docs.stripe.com/webhooks#retries); for 400 days one that
# comes again is known to be no new one (AC-W18).
RETENTION: Mapping[str, Rule] = {
    "payload": Rule(timedelta(days=35), StripeEvent.payload.is_not(None), forget_row=False),
    "id": Rule(timedelta(days=400), true(), forget_row=True),
}


def purge() -> dict[str, int]:
    """Apply every rule, a batch a transaction; returns how many events each one met. Safe to stop and repeat."""
    return {name: _apply(rule) for name, rule in RETENTION.items()}


def _apply(rule: Rule) -> int:
    total = 0
    while True:
        with portal.database.transaction() as session:
            old = (rule.applies, StripeEvent.state.in_(DONE), StripeEvent.received_at < portal.clock() - rule.after)
            ids = session.scalars(
                select(StripeEvent.id).where(*old).order_by(StripeEvent.received_at).limit(BATCH)
            ).all()
            here = StripeEvent.id.in_(ids)
            # The condition again: between the two statements staff may have begun anew with one of them.
            session.execute(
                delete(StripeEvent).where(here, *old)
                if rule.forget_row
                else update(StripeEvent).where(here, *old).values(payload=None)
            )
        total += len(ids)
        if len(ids) < BATCH:
            return total
