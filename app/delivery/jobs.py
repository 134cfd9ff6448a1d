"""The job that opens a paid result."""

from app.delivery.service import build, give_up
from app.jobs import job, step

ATTEMPTS = 12  # from one second on, doubling: a good half hour


@job("delivery.build")
def run(order_id: str) -> None:
    """Build the deliverable of an order and open it; after the last try staff are told."""
    try:
        step(lambda: build(order_id), name="build", attempts=ATTEMPTS)
    except Exception:
        step(lambda: give_up(order_id), name="give_up")
        raise
