"""What a rule of retention does with what it meets: four ways, each a batch at a time, safe to stop and repeat.

`before` is always the moment before which the rule counts from: now, less the rule's time.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, inspect, select, tuple_, update
from sqlalchemy.orm import Session

from app.kit.failpoints import fail_point
from app.models import AuditEntry, BalanceTransaction, Finding, Mail, Note, Order, Payment, Refund, RefundRequest, Run
from app.models.base import Base
from app.orders.files import remove_all
from app.orders.lifecycle import record
from app.portal import portal

BATCH = 500
ACTOR = "worker"

Due = Callable[[datetime], ColumnElement[bool]]


@dataclass(frozen=True)
class Rows:
    """Rows that are deleted, or lose the columns in `cut`."""

    model: type[Base]
    due: Due
    cut: Mapping[str, Any] | None = None

    def count(self, before: datetime) -> int:
        """Count what `run` would meet."""
        return _count(self.model, self.due(before))

    def run(self, before: datetime) -> int:
        """Delete or cut, a batch a transaction; returns how many rows."""
        key = inspect(self.model).primary_key
        total = 0
        while True:
            with portal.database.transaction() as session:
                rows = session.execute(select(*key).where(self.due(before)).limit(BATCH)).all()
                here = tuple_(*key).in_(rows) if len(key) > 1 else key[0].in_([row[0] for row in rows])
                # The condition again: between the two statements somebody may have begun anew with one of them.
                which = (here, self.due(before))
                session.execute(
                    delete(self.model).where(*which)
                    if self.cut is None
                    else update(self.model).where(*which).values(self.cut)
                )
            total += len(rows)
            if len(rows) < BATCH:
                return total


@dataclass(frozen=True)
class Files:
    """Orders whose files go: the row says so first, in the transaction that makes the job which deletes them.

    So nobody can begin to pay for a result that is about to go, and no file is forgotten by a job that died.
    """

    due: Due
    input_only: bool = False

    def count(self, before: datetime) -> int:
        """Count what `run` would meet."""
        return _count(Order, self.due(before))

    def run(self, before: datetime) -> int:
        """Mark orders and enqueue the deletion of their files; returns how many."""
        total = 0
        while True:
            with portal.database.transaction() as session:
                found = session.scalars(self._found(before)).all()
                for order_id in self._mark(session, found, before):
                    total += 1
                    _delete_files(session, order_id, "input" if self.input_only else "all")
                fail_point("retention.before_commit")
            fail_point("retention.after_commit")
            if len(found) < BATCH:
                return total

    def _found(self, before: datetime) -> Select[str]:
        # Locked, so that the UPDATE sees whoever begins to pay meanwhile (app.checkout.service). SQLite has one lock.
        return select(Order.id).where(self.due(before)).order_by(Order.id).limit(BATCH).with_for_update()

    def _mark(self, session: Session, found: Any, before: datetime) -> list[str]:  # noqa: ANN401  (a sequence of ids)
        now = portal.clock()
        gone: dict[str, Any] = {"input_gone_at": func.coalesce(Order.input_gone_at, now)}
        if not self.input_only:
            gone |= {"result_gone_at": now, "preview": None}
        marked = update(Order).where(Order.id.in_(found), self.due(before)).values(gone).returning(Order.id)
        return list(session.scalars(marked.execution_options(synchronize_session=False)))


def _delete_files(session: Session, order_id: str, what: str) -> None:
    now = portal.clock()
    record(session, order_id, "files.deleted", ACTOR, now, what=what)
    portal.jobs.enqueue(session, "privacy.files", order_id, key=f"privacy.files:{order_id}:{now:%Y%m%dT%H%M%S}")


@dataclass(frozen=True)
class Orders:
    """Orders that the ledger forgets, with their payments, audit, mails and records: the object store goes first."""

    due: Due

    def count(self, before: datetime) -> int:
        """Count what `run` would meet."""
        return _count(Order, self.due(before))

    def run(self, before: datetime) -> int:
        """Forget orders one by one; returns how many."""
        total = 0
        while True:
            with portal.database.transaction() as session:
                found = session.scalars(select(Order.id).where(self.due(before)).order_by(Order.id).limit(BATCH)).all()
            for order_id in found:
                remove_all(order_id)
                with portal.database.transaction() as session:
                    _forget(session, order_id)
            total += len(found)
            if len(found) < BATCH:
                return total


def _forget(session: Session, order_id: str) -> None:
    payments = select(Payment.id).where(Payment.order_id == order_id)
    for of_payment in (Refund, RefundRequest, BalanceTransaction):
        session.execute(delete(of_payment).where(of_payment.payment_id.in_(payments)))
    for model in (Payment, AuditEntry, Mail, Finding, Run, Note):
        session.execute(delete(model).where(model.order_id == order_id))
    session.execute(delete(Order).where(Order.id == order_id))


@dataclass(frozen=True)
class Objects:
    """Objects under a prefix of the bucket, by when they were written, and multipart uploads that nobody ended."""

    prefix: str

    def count(self, before: datetime) -> int:
        """Count what `run` would meet."""
        return portal.storage.count(self.prefix, before)

    def run(self, before: datetime) -> int:
        """Delete all versions; returns how many."""
        portal.storage.abort_uploads("", before)
        return portal.storage.purge(self.prefix, before=before)


def _count(model: type[Base], due: ColumnElement[bool]) -> int:
    with portal.database.transaction() as session:
        return session.scalar(select(func.count()).select_from(model).where(due)) or 0
