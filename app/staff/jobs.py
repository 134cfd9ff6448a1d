"""The jobs of the back office."""

from datetime import timedelta

from app.jobs import SCHEDULE, job, step
from app.staff.log.check import check
from app.staff.view_as.service import close

SCHEDULE["staff.log_check"] = timedelta(days=1)


@job("staff.log_check")
def check_log(_moment: str) -> None:
    """See that the staff log is whole (AC-S05)."""
    step(check, name="check", attempts=4)


@job("staff.view_over")
def end_view(view_id: str) -> None:
    """Write down that a view as a customer is over."""
    step(lambda: close(view_id), name="close", attempts=6)
