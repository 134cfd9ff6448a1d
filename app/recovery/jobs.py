"""Recovery by the clock: payments every quarter of an hour, everything once a day."""

from collections.abc import Callable
from datetime import timedelta

import structlog

from app.jobs import SCHEDULE, job, step
from app.recovery.compare import compare
from app.recovery.pace import Pace
from app.recovery.payments import reread
from app.recovery.report import Report

# Two hours of growing waits: longer than that, the next day's run is soon enough.
ATTEMPTS = 12

SCHEDULE["payments.reconcile"] = timedelta(minutes=15)
SCHEDULE["ledger.compare"] = timedelta(days=1)

log = structlog.get_logger()


@job("payments.reconcile")
def reconcile_payments(_moment: str) -> None:
    """Look at payments that are not final; what could not be reached now is due again in a quarter of an hour."""
    step(lambda: _told(reread), name="reread", attempts=3)


@job("ledger.compare")
def compare_all(_moment: str) -> None:
    """Compare Stripe, ledger and object store."""
    step(lambda: _told(compare), name="compare", attempts=ATTEMPTS)


def _told(work: Callable[[Report, Pace], None]) -> dict[str, int]:
    report = Report()
    work(report, Pace())
    log.info("recovery.done", looked=dict(report.looked), mended=dict(report.mended))
    return dict(report.mended)
