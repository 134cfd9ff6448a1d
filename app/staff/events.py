"""Stripe's events as staff see them: newest first, each with the order it is about; one of them with its contents."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from flask_babel import lazy_gettext
from sqlalchemy import ColumnElement, bindparam, func, literal, select, tuple_
from sqlalchemy.orm import Session, load_only

from app.errors import BadInputError, NotFoundError
from app.models import Mark, Payment, Refund, StripeEvent
from app.models.base import UtcDateTime
from app.webhooks.missed import FOUND

PAGE = 50
STATES = {
    "dead": lazy_gettext("Given up"),
    "received": lazy_gettext("To be handled"),
    "handled": lazy_gettext("Handled"),
    "ignored": lazy_gettext("Not for us"),
}
FETCHED = "fetched"
FILTERS = {**STATES, FETCHED: lazy_gettext("Stripe could not deliver it")}
"""What the list can be asked for: a state, or what had to be fetched."""
NOTES = {
    "unused_type": lazy_gettext("We do not use events of this kind."),
    "other_mode": lazy_gettext("Of the other mode: test, or live."),
    "other_account": lazy_gettext("Of another account."),
}
"""What the remark of an event means; one that is not here is shown as it is."""
KINDS = {"dead": "error", "received": "info", "handled": "ok"}
_CURSOR = re.compile(r"(\d{8}T\d{6}\.\d{6})_(evt_[A-Za-z0-9_]{1,90})")
_STAMP = "%Y%m%dT%H%M%S.%f"


@dataclass(frozen=True)
class Line:
    """An event and the OrderID that it is about, where that is known."""

    event: StripeEvent
    order_id: str | None


@dataclass(frozen=True)
class EventPage:
    """A page of events, and the cursor of the next one (empty: there is none)."""

    lines: list[Line]
    older: str = ""


def events_page(session: Session, state: str = "", after: str = "") -> EventPage:
    """Return a page of events, newest first, of a state or all of FILTERS.

    Raises BadInputError for a state or cursor that does not exist.
    """
    columns = (
        StripeEvent.type, StripeEvent.object_id, StripeEvent.state, StripeEvent.attempts, StripeEvent.note,
        StripeEvent.received_at, StripeEvent.due_at, StripeEvent.fetched_at,
    )  # fmt: skip
    query = (
        select(StripeEvent, order_of_event())
        .order_by(StripeEvent.received_at.desc(), StripeEvent.id.desc())
        .limit(PAGE + 1)
        .options(load_only(*columns, raiseload=True))
    )
    if state:
        query = query.where(_asked(state))
    if after:
        at, event_id = _place(after)
        place = tuple_(literal(at, UtcDateTime()), literal(event_id))
        query = query.where(tuple_(StripeEvent.received_at, StripeEvent.id) < place)
    lines = [Line(*row) for row in session.execute(query)]
    more = len(lines) > PAGE
    return EventPage(lines[:PAGE], _cursor(lines[PAGE - 1].event) if more else "")


def event_of(session: Session, event_id: str) -> Line:
    """Return an event and its order; raises NotFoundError."""
    row = session.execute(select(StripeEvent, order_of_event()).where(StripeEvent.id == event_id)).one_or_none()
    if row is None:
        raise NotFoundError
    return Line(*row)


def last_look(session: Session) -> Mark | None:
    """Return when Stripe was last asked for what it could not deliver, with how many late events that brought."""
    return session.get(Mark, FOUND)


def _asked(state: str) -> ColumnElement[bool]:
    if state == FETCHED:
        return StripeEvent.fetched_at.is_not(None)
    if state not in STATES:
        raise BadInputError(field="state")
    # Written into the statement, quoted by SQLAlchemy: only so is the index of the dead used.
    return StripeEvent.state == bindparam(None, state, literal_execute=True)


def order_of_event() -> ColumnElement[str | None]:
    """Return a column of a query on events: the order that an event is about, where that is known."""
    of_payment = select(Payment.order_id).limit(1)
    of_refund = select(Payment.order_id).join(Payment.refunds).where(Refund.id == StripeEvent.object_id)
    return func.coalesce(
        of_payment.where(Payment.session_id == StripeEvent.object_id).scalar_subquery(),
        of_payment.where(Payment.payment_intent_id == StripeEvent.object_id).scalar_subquery(),
        of_refund.limit(1).scalar_subquery(),
    )


def _cursor(event: StripeEvent) -> str:
    return f"{event.received_at.astimezone(UTC).strftime(_STAMP)}_{event.id}"


def _place(text: str) -> tuple[datetime, str]:
    parts = _CURSOR.fullmatch(text)
    try:
        return datetime.strptime(parts[1] if parts else "", _STAMP).replace(tzinfo=UTC), parts[2] if parts else ""
    except ValueError:
        raise BadInputError(field="after") from None
