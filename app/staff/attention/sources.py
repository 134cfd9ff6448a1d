"""Where what needs attention is found: a table of queries, each on an index, whose rows all have the same columns.

`since` is when the thing came up: what was closed before that is open again. `place` is what the query is sorted by, a
column of its index. `told` is a code that `Kind.words` explain or a name, `about` says more in Stripe's or our words.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, SQLColumnExpression, exists, func, literal, literal_column, null, select
from sqlalchemy.orm import aliased

from app.models import AuditEntry, Finding, Mail, Order, Payment, RefundRequest, StripeEvent
from app.models.order import OWED
from app.staff.attention.kinds import EVENT, FINDING, MAIL, NOT_DELIVERED, REFUSED, SECOND_PERSON
from app.staff.events import order_of_event

LATE_DELIVERY = timedelta(hours=1)  # delivery takes moments, but an analysis may have to wait for its turn
LATE_MAIL = timedelta(minutes=30)  # until then a mail that failed is tried again often

# Entries of an order's audit with which something may come up that a person must look at.
CAME_UP = (
    "payment.double",
    "payment.quarantined",
    "payment.disputed",
    "refund.failed",
    "refund.gave_up",
    "money.paid",
    "money.paid_again",
    "work.failed",
    "work.rejected",
    "work.cancelled",
)

Rows = Select[*tuple[Any, ...]]
Column = SQLColumnExpression[Any]
_Later = aliased(Mail)


def _rows(
    kind: Column,
    subject: Column,
    place: Column,
    *,
    since: Column | None = None,
    order_id: Column | None = None,
    told: Column | None = None,
    about: Column | None = None,
) -> Rows:
    return select(
        kind.label("kind"),
        subject.label("subject"),
        place.label("place"),
        (place if since is None else since).label("since"),
        _or_null(order_id).label("order_id"),
        _or_null(told).label("told"),
        _or_null(about).label("about"),
    )


def _or_null(column: Column | None) -> Column:
    return null() if column is None else column


def _orders(_now: datetime) -> Rows:
    came_up = select(func.max(AuditEntry.at)).where(AuditEntry.order_id == Order.id, AuditEntry.kind.in_(CAME_UP))
    return _rows(
        Order.attention,
        Order.id,
        Order.created_at,
        since=func.coalesce(came_up.scalar_subquery(), Order.created_at),
        order_id=Order.id,
    ).where(Order.attention.is_not(None))


def _not_delivered(now: datetime) -> Rows:
    paid_long_ago = (Order.attention.is_(None), Order.paid_at < now - LATE_DELIVERY)
    return _rows(literal(NOT_DELIVERED), Order.id, Order.paid_at, order_id=Order.id).where(OWED, *paid_long_ago)


def _mails(now: datetime) -> Rows:
    arrived_since = exists().where(
        _Later.order_id == Mail.order_id,
        _Later.kind == Mail.kind,
        _Later.state == "sent",
        _Later.created_at > Mail.created_at,
    )
    return _rows(
        literal(MAIL), Mail.id, Mail.created_at, order_id=Mail.order_id, told=Mail.kind, about=Mail.error
    ).where(Mail.state == literal_column("'failed'"), Mail.created_at < now - LATE_MAIL, ~arrived_since)


def _events(_now: datetime) -> Rows:
    return _rows(
        literal(EVENT),
        StripeEvent.id,
        StripeEvent.received_at,
        since=func.coalesce(StripeEvent.handled_at, StripeEvent.received_at),
        order_id=order_of_event(),
        told=StripeEvent.type,
        about=StripeEvent.note,
    ).where(StripeEvent.state == literal_column("'dead'"))


def _findings(_now: datetime) -> Rows:
    return _rows(
        literal(FINDING),
        Finding.id,
        Finding.first_seen_at,
        order_id=Finding.order_id,
        told=Finding.kind,
        about=Finding.subject,
    ).where(Finding.closed_at.is_(None))


def _refunds(kind: str, state: str, about: Column) -> Callable[[datetime], Rows]:
    def rows(_now: datetime) -> Rows:
        return (
            _rows(
                literal(kind),
                RefundRequest.id,
                func.coalesce(RefundRequest.decided_at, RefundRequest.asked_at),
                order_id=Payment.order_id,
                told=RefundRequest.asked_by,
                about=about,
            )
            .join(Payment, Payment.id == RefundRequest.payment_id)
            .where(RefundRequest.state == state)
        )

    return rows


SOURCES: tuple[Callable[[datetime], Rows], ...] = (
    _orders,
    _not_delivered,
    _mails,
    _refunds(SECOND_PERSON, "waiting", RefundRequest.reason),
    _refunds(REFUSED, "refused", RefundRequest.error),
    _events,
    _findings,
)
"""What is found by SQL. Jobs are not: app.staff.attention.jobs_that_died; nor is silence, which has no row."""
