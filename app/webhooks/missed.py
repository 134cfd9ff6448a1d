"""Events that never came: what Stripe could not deliver is fetched, and silence is noticed (fault rows D2, P11).

What Stripe never sent or never made (a disabled endpoint) is not among them: reading payments anew covers that.
"""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.gateways.stripe import NoSuchEventError
from app.kit.clock import from_unix
from app.models import Mark, Payment, StripeEvent
from app.portal import portal
from app.webhooks.service import SUBJECTS, take

CURSOR = "events.missed"
FOUND = "events.found"
"""Marks: the event up to which all were fetched; how many the last run found that should have come long ago."""
REACH = timedelta(days=30)  # Stripe lists no older events
# The cursor stays so far behind: an event may be listed later than a younger one.
OVERLAP = timedelta(minutes=15)
LATE = timedelta(minutes=5)  # a younger one is still on its way to us
# A Checkout Session ends within 24 hours and its end is an event: by now one should have come.
SILENCE = timedelta(hours=26)
LOOK_BACK = timedelta(days=7)

log = structlog.get_logger()


def catch_up() -> int:
    """Take every event that Stripe could not deliver since the last time; returns how many were new to us.

    The cursor moves after all of them are safe, so a run that was cut off is done again. Raises StripeDownError,
    StripeRefusedError.
    """
    now = portal.clock()
    new, late, newest = 0, 0, None
    for event in _undelivered(now):
        made_at = from_unix(event["created"])
        missed = made_at <= now - LATE
        if take(event, json.dumps(event, ensure_ascii=False), missed=missed) == "received":
            new += 1
            late += missed
        if made_at <= now - OVERLAP and (newest is None or made_at >= newest[0]):
            newest = (made_at, event["id"])
    with portal.database.transaction() as session:
        session.merge(Mark(name=FOUND, value=str(late), at=now))
        if newest:
            session.merge(Mark(name=CURSOR, value=newest[1], at=newest[0]))
    if late:
        log.error("webhook.missed", count=late)
    return new


def _undelivered(now: datetime) -> Iterator[dict[str, Any]]:
    with portal.database.transaction() as session:
        mark = session.get(Mark, CURSOR)
    if mark is not None and mark.at > now - REACH:
        try:
            for page in portal.stripe.undelivered_events(SUBJECTS, since=now - REACH, after=mark.value):
                yield from page
        except NoSuchEventError:
            log.warning("webhook.cursor_unknown", event_id=mark.value)
        else:
            return
    for page in portal.stripe.undelivered_events(SUBJECTS, since=now - REACH, after=None):
        yield from page


def look_for_silence() -> None:
    """Raise the alarm where events should have come and none came."""
    with portal.database.transaction() as session:
        waiting = silent_payments(session, portal.clock())
    if waiting:
        log.error("webhook.silent", payments=waiting)


def silent_payments(session: Session, now: datetime) -> int:
    """Count the payments of the last days that must have ended since, while no event of any kind came after them."""
    last = last_event_at(session)
    begun = (Payment.created_at < now - SILENCE, Payment.created_at > max(last or now - LOOK_BACK, now - LOOK_BACK))
    return session.scalar(select(func.count()).where(Payment.session_id.is_not(None), *begun)) or 0


def last_event_at(session: Session) -> datetime | None:
    """Return when the last event of any kind came."""
    return session.scalar(select(func.max(StripeEvent.received_at)))
