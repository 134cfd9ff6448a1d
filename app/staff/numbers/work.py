"""The way of the orders of a period from upload to download, and how long analyses took."""

from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, exists, func, literal_column, select
from sqlalchemy.orm import Session

from app.models import AuditEntry, Order, Payment, Run
from app.staff.numbers.period import Period
from app.staff.numbers.spread import Spread
from app.staff.numbers.sql import time_between, within

MOMENTS = {
    "ordered": Order.created_at,
    "uploaded": Order.uploaded_at,
    "analysed": Order.analysed_at,
    "paid": Order.paid_at,
    "delivered": Order.delivered_at,
}
"""Columns of an order that say that it has come to a stage."""


@dataclass
class Analyses:
    """The runs of one product that have ended: how they ended, and how long those took that came to a result."""

    outcomes: Counter[str] = field(default_factory=Counter)
    times: Spread = field(default_factory=Spread)


def funnel(session: Session, period: Period) -> dict[str, int]:
    """Count how many of the orders made in the period have come to each stage of words.STAGES by now."""
    made = within(Order.created_at, period)
    counts = (func.count(column).label(name) for name, column in MOMENTS.items())

    def with_some(condition: ColumnElement[bool]) -> int:
        return session.scalar(select(func.count()).select_from(Order).where(made, condition)) or 0

    # A constant in the statement: only so is the index of the downloads alone used.
    opened = AuditEntry.kind == literal_column("'file.downloaded'")
    return {
        **session.execute(select(*counts).where(made)).mappings().one(),
        "payment": with_some(exists().where(Payment.order_id == Order.id)),
        "downloaded": with_some(exists().where(AuditEntry.order_id == Order.id, opened)),
    }


def analyses(session: Session, period: Period) -> dict[str, Analyses]:
    """Look at the runs that were begun in the period, by product."""
    seconds = time_between(session, Run.started_at, Run.ended_at)
    kind = (Order.product, Run.outcome, seconds)
    query = (
        select(*kind, func.count())
        .select_from(Run)
        .join(Order, Order.id == Run.order_id)
        .where(within(Run.started_at, period), Run.ended_at.is_not(None))
        .group_by(*kind)
    )
    found: dict[str, Analyses] = {}
    for product, outcome, took, count in session.execute(query):
        line = found.setdefault(product, Analyses())
        line.outcomes[outcome or ""] += count
        if outcome == "analysed":
            line.times.add(took, count)
    return found
