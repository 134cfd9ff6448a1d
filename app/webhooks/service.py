"""What becomes of an event: a row at its arrival; later, the Checkout Sessions it may be about are settled."""

import json
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.checkout.settle import NotOurSessionError, settle
from app.database import insert_once
from app.gateways.stripe import NoSuchSessionError
from app.kit.failpoints import fail_point
from app.models import Payment, StripeEvent
from app.portal import portal

# Event type -> the field of its object that names what to look at: a Checkout Session or a PaymentIntent.
# An event is only a trigger: its content is never believed, the session is read anew (DESIGN, rule 3).
SUBJECTS = {
    "checkout.session.completed": "id",
    "checkout.session.async_payment_succeeded": "id",
    "checkout.session.async_payment_failed": "id",
    "checkout.session.expired": "id",
    "payment_intent.requires_action": "id",
    "payment_intent.succeeded": "id",
    "payment_intent.payment_failed": "id",
    "payment_intent.canceled": "id",
    "charge.refunded": "payment_intent",
    "charge.refund.updated": "payment_intent",
    "refund.created": "payment_intent",
    "refund.updated": "payment_intent",
    "refund.failed": "payment_intent",
    "charge.dispute.created": "payment_intent",
    "charge.dispute.updated": "payment_intent",
    "charge.dispute.closed": "payment_intent",
}


def take(event: dict[str, Any], payload: str, *, missed: bool = False) -> str:
    """Store a verified event, which is also its place in the queue (decision 010); returns what it came to.

    An event that came before, is of a type we don't use, of the other mode (test or live) or of another
    account is answered like any other: Stripe would only send it again (AC-W10, W11).
    `missed`: Stripe could not deliver it, so we asked for it.
    """
    outcome = _outcome(event)
    found = _object(event)
    fail_point("webhook.before_insert")
    with portal.database.one_statement() as session:
        new = insert_once(
            session,
            StripeEvent,
            id=event["id"],
            type=_text(event["type"])[:100],
            api_version=_text(event["api_version"])[:40] if event.get("api_version") else None,
            object_id=_subject(event["type"], found),
            payload=payload,
            state="received" if outcome == "received" else "ignored",
            note=None if outcome == "received" else outcome,
            received_at=portal.clock(),
            fetched_at=portal.clock() if missed else None,
        )
        fail_point("webhook.before_commit")
    fail_point("webhook.after_commit")
    return outcome if new else "duplicate"


def _subject(type_: str, found: dict[str, Any]) -> str | None:
    """Name what an event is about, by which staff find it: what is looked at for it, else the object itself."""
    name = found.get(SUBJECTS.get(type_, "id")) or found.get("id")
    return _text(name)[:100] if name else None


def _outcome(event: dict[str, Any]) -> str:
    if bool(event.get("livemode")) != portal.settings.live:
        return "other_mode"
    if event.get("account"):  # only on events of connected accounts, and we have none
        return "other_account"
    return "received" if event["type"] in SUBJECTS else "unused_type"


def _text(value: object) -> str:
    """Return what stands in an event as a text that every column takes: no NUL, and no half of a surrogate pair."""
    return str(value).replace("\0", "").encode("utf-8", "replace").decode()


def _object(event: dict[str, Any]) -> dict[str, Any]:
    data = event.get("data")
    found = data.get("object") if isinstance(data, dict) else None
    return found if isinstance(found, dict) else {}


def handle(event_id: str) -> None:
    """Settle what a stored event may be about, then mark it handled; safe to repeat.

    The mark comes after the effect: an event whose effect failed is not handled, and is tried again (AC-W12).
    """
    with portal.database.transaction() as session:
        event = session.get_one(StripeEvent, event_id)
        if event.state not in {"received", "dead"}:
            return
    ids = _sessions(event)
    notes = [note for session_id in ids if (note := _settle(session_id))]
    done = "handled" if len(notes) < len(ids) else "ignored"
    _mark(event_id, done, "; ".join(notes) if ids else "no Checkout Session")


def _sessions(event: StripeEvent) -> list[str]:
    subject = _text(_object(json.loads(event.payload or "{}")).get(SUBJECTS[event.type]) or "")
    if not subject:
        return []
    if event.type.startswith("checkout.session."):
        return [subject]
    with portal.database.transaction() as session:
        known = _known_sessions(session, subject)
    return known or [s["id"] for s in portal.stripe.sessions_of_intent(subject)]


def _known_sessions(session: Session, intent_id: str) -> list[str]:
    rows = session.scalars(select(Payment.session_id).where(Payment.payment_intent_id == intent_id))
    return [session_id for session_id in rows if session_id]


def _settle(session_id: str) -> str | None:
    """Settle a session; returns why there was nothing to settle, or None."""
    try:
        settle(session_id)
    except NotOurSessionError:
        return f"{session_id}: not ours"
    except NoSuchSessionError:
        return f"{session_id}: unknown at Stripe"
    return None


def _mark(event_id: str, state: str, note: str) -> None:
    with portal.database.transaction() as session:
        session.execute(
            update(StripeEvent)
            .where(StripeEvent.id == event_id, StripeEvent.state.in_(("received", "dead")))
            .values(state=state, note=note or None, taken_by=None, handled_at=portal.clock())
        )
