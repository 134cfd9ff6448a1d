"""Stripe's events as staff see them: newest first, without their contents, each with the order it is about."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from flask_babel import lazy_gettext
from sqlalchemy import ColumnElement, bindparam, func, literal, select, tuple_
from sqlalchemy.orm import Session, load_only

from app.errors import BadInputError
from app.models import Payment, Refund, StripeEvent
from app.models.base import UtcDateTime

PAGE = 50
STATES = {
    "dead": lazy_gettext("Given up"),
    "received": lazy_gettext("To be handled"),
    "handled": lazy_gettext("Handled"),
    "ignored": lazy_gettext("Not for us"),
}
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
    """Return a page of events, newest first; raises BadInputError for a state or cursor that does not exist."""
    columns = (
        StripeEvent.type, StripeEvent.object_id, StripeEvent.state, StripeEvent.attempts, StripeEvent.note,
        StripeEvent.received_at, StripeEvent.due_at,
    )  # fmt: skip
    query = (
        select(StripeEvent, _order_id())
        .order_by(StripeEvent.received_at.desc(), StripeEvent.id.desc())
        .limit(PAGE + 1)
        .options(load_only(*columns, raiseload=True))
    )
    if state:
        if state not in STATES:
            raise BadInputError(field="state")
        # Written into the statement, quoted by SQLAlchemy: only so is the index of the dead used.
        query = query.where(StripeEvent.state == bindparam(None, state, literal_execute=True))
    if after:
        at, event_id = _place(after)
        place = tuple_(literal(at, UtcDateTime()), literal(event_id))
        query = query.where(tuple_(StripeEvent.received_at, StripeEvent.id) < place)
    lines = [Line(*row) for row in session.execute(query)]
    more = len(lines) > PAGE
    return EventPage(lines[:PAGE], _cursor(lines[PAGE - 1].event) if more else "")


def _order_id() -> ColumnElement[str | None]:
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
