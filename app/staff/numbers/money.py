"""Sales, vouchers and refunds of a period. Every query reads the rows of the period by an index, no others."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.models import Payment, Refund
from app.orders.states import PAID, RETURNED
from app.staff.numbers.period import Period
from app.staff.numbers.spread import Spread
from app.staff.numbers.sql import day_of, time_between, within

MINUTE = 60  # seconds
WAITING = "awaiting"
HAD = (*PAID, "refunded")
"""States of a payment whose money came, whatever became of it."""


@dataclass
class Sums:
    """Yen and numbers of payments or refunds."""

    yen: int = 0
    count: int = 0

    def add(self, yen: int, count: int) -> None:
        """Add some more."""
        self.yen += yen
        self.count += count


@dataclass
class Sales:
    """What was paid, by day and method and by method alone."""

    by_day: dict[tuple[date, str], Sums] = field(default_factory=dict)
    by_method: dict[str, Sums] = field(default_factory=dict)

    @property
    def total(self) -> Sums:
        """All of it."""
        return _total(self.by_method.values())


@dataclass
class Vouchers:
    """What became of the konbini vouchers that were issued; `time_to_pay` from the button to the till."""

    states: Counter[str]
    time_to_pay: Spread

    @property
    def paid(self) -> int:
        """How many were paid, also where the money went back later."""
        return sum(self.states[state] for state in HAD)

    @property
    def waiting(self) -> int:
        """How many can still be paid."""
        return self.states[WAITING]

    @property
    def over(self) -> int:
        """How many ran out."""
        return self.states.total() - self.paid - self.waiting


@dataclass
class Refunds:
    """What went back. `by_state` counts every refund, the others not what failed or was cancelled."""

    by_day: dict[date, Sums] = field(default_factory=dict)
    by_state: dict[tuple[str, str], Sums] = field(default_factory=dict)

    @property
    def total(self) -> Sums:
        """All that went back or is on its way."""
        return _total(self.by_day.values())


def sales(session: Session, period: Period) -> Sales:
    """Add up what was paid on each day."""
    day = day_of(session, Payment.paid_at)
    query = (
        select(day, Payment.method, func.sum(Payment.amount), func.count())
        .where(within(Payment.paid_at, period))
        .group_by(day, Payment.method)
    )
    found = Sales()
    for at, method, yen, count in session.execute(query):
        found.by_day[at, method] = Sums(yen, count)
        found.by_method.setdefault(method, Sums()).add(yen, count)
    return found


def vouchers(session: Session, period: Period) -> Vouchers:
    """Look at the vouchers that were asked for in the period: how they stand, and how soon they were paid."""
    minutes = time_between(session, Payment.created_at, Payment.paid_at, MINUTE)
    query = (
        select(Payment.state, minutes, func.count())
        .where(within(Payment.created_at, period), Payment.voucher_expires_at.is_not(None))
        .group_by(Payment.state, minutes)
    )
    found = Vouchers(Counter(), Spread())
    for state, took, count in session.execute(query):
        found.states[state] += count
        if took is not None:
            found.time_to_pay.add(took * MINUTE, count)
    return found


def refunds(session: Session, period: Period) -> Refunds:
    """Add up what went back, by the day on which it was begun."""
    day = day_of(session, Refund.created_at)
    kind = (day, Payment.method, Refund.state)
    query = (
        select(*kind, func.sum(Refund.amount), func.count())
        .join(Payment, Payment.id == Refund.payment_id)
        .where(within(Refund.created_at, period))
        .group_by(*kind)
    )
    found = Refunds()
    for at, method, state, yen, count in session.execute(query):
        found.by_state.setdefault((method, state), Sums()).add(yen, count)
        if state not in RETURNED:
            found.by_day.setdefault(at, Sums()).add(yen, count)
    return found


def _total(parts: Iterable[Sums]) -> Sums:
    total = Sums()
    for part in parts:
        total.add(part.yen, part.count)
    return total
