"""The way of the orders of a period from upload to download, and how long analyses took."""

from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import exists, func, literal_column, select
from sqlalchemy.orm import Session

from app.models import AuditEntry, Order, Run
from app.staff.numbers.period import Period
from app.staff.numbers.spread import Spread
from app.staff.numbers.sql import time_between, within

MOMENTS = {
    "ordered": Order.created_at,
    "uploaded": Order.uploaded_at,
    "analysed": Order.analysed_at,
    "payment": Order.method,
    "paid": Order.paid_at,
    "delivered": Order.delivered_at,
}
"""Columns of an order that say that it has come to a stage; a method is there from the first attempt to pay on."""


@dataclass
class Analyses:
    """The runs of one product that have ended: how they ended, and how long those took that came to a result."""

    outcomes: Counter[str] = field(default_factory=Counter)
    times: Spread = field(default_factory=Spread)


def funnel(session: Session, period: Period) -> dict[str, int]:
    """Count how many of the orders made in the period have come to each stage of words.STAGES by now."""
    made = within(Order.created_at, period)
    counts = (func.count(column).label(name) for name, column in MOMENTS.items())
    # A constant in the statement: only so is the index of the downloads alone used.
    opened = exists().where(AuditEntry.order_id == Order.id, AuditEntry.kind == literal_column("'file.downloaded'"))
    return {
        **session.execute(select(*counts).where(made)).mappings().one(),
        "downloaded": session.scalar(select(func.count()).select_from(Order).where(made, opened)) or 0,
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
