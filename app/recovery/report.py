"""What a run of recovery looked at, mended and found; what it found stays in the ledger until it is gone."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.database import insert_once
from app.kit.ids import new_id
from app.models import Finding, Order
from app.portal import portal

KINDS = (
    "livemode_mismatch",
    "portal_mismatch",
    "order_mismatch",
    "mode_mismatch",
    "currency_mismatch",
    "amount_mismatch",
    "session_without_order",
    "second_session",
    "session_gone",
    "cannot_settle",
    "paid_here_only",
    "open_without_payment",
    "record_unreadable",
    "input_without_order",
    "input_missing",
    "result_missing",
    "result_without_order",
    "result_unpaid",
    "deliverable_missing",
    "ledger_lost",
)
"""Every difference that recovery reports; the back office has a sentence for each."""
REDACTION = "stripe_redaction"
"""Somebody asked to be forgotten, and Stripe knows them still: closed by a person (`portal redacted`), not by a run."""
LOG_BROKEN = "log_broken"
"""The chained staff log has an entry that does not fit (app.staff.log.check): not by a run of recovery either."""

log = structlog.get_logger()


@dataclass
class Report:
    """Counts by name of thing, such as `looked["session"]`."""

    looked: Counter[str] = field(default_factory=Counter)
    mended: Counter[str] = field(default_factory=Counter)

    def mend(self, what: str, subject: str) -> None:
        """Count something that was put right, and say so in the log."""
        self.mended[what] += 1
        log.warning("recovery.mended", what=what, subject=subject)


def find(kind: str, subject: str, order_id: str | None = None, **detail: Any) -> None:  # noqa: ANN401  (JSON)
    """Write down a difference that a person must look at; the same one again only moves `last_seen_at`."""
    now = portal.clock()
    with portal.database.transaction() as session:
        known = order_id if order_id and session.get(Order, order_id) else None
        new = insert_once(
            session,
            Finding,
            id=new_id(),
            kind=kind,
            subject=subject[:200],
            order_id=known,
            detail=detail or None,
            first_seen_at=now,
            last_seen_at=now,
        )
        if not new:
            session.execute(
                update(Finding)
                .where(Finding.kind == kind, Finding.subject == subject[:200], Finding.closed_at.is_(None))
                .values(last_seen_at=now, detail=detail or None)
            )
    if new:
        log.error("recovery.found", kind=kind, subject=subject, order_id=order_id, detail=detail)


def close_unseen(kinds: Iterable[str], since: datetime) -> None:
    """Close the findings of these kinds that a run which began at `since` has not seen again."""
    with portal.database.transaction() as session:
        session.execute(
            update(Finding)
            .where(Finding.kind.in_(kinds), Finding.closed_at.is_(None), Finding.last_seen_at < since)
            .values(closed_at=portal.clock())
        )


def open_findings(session: Session, order_id: str | None = None) -> Sequence[Finding]:
    """Return what is found and not gone, of one order or all, oldest first."""
    query = select(Finding).where(Finding.closed_at.is_(None)).order_by(Finding.first_seen_at, Finding.id)
    return session.scalars(query if order_id is None else query.where(Finding.order_id == order_id)).all()
