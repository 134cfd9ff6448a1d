"""The jobs that analyse an order's file: one waits for the turn of its product, one works."""

from app.analysis.program import ended
from app.analysis.service import finish, run_program, start
from app.jobs import StepFailedError, job, step
from app.portal import portal


@job("analysis.run")
def run(order_id: str) -> None:
    """Wait in the line of the product, then have the file analysed; no more of these run than `at_once` says."""
    portal.jobs.hand_on("analysis.work", order_id)


@job("analysis.work")
def work(order_id: str) -> None:
    """Analyse: a worker that is killed in the middle runs the interrupted step again."""
    if not step(lambda: start(order_id), name="start"):
        return
    try:
        # Ten tries wait 17 minutes in all: longer than an object store is away for.
        outcome = step(lambda: run_program(order_id), name="run", attempts=10, first_wait=2.0)
    except StepFailedError as error:
        outcome = ended("failed", f"given up: {error}")
    step(lambda: finish(order_id, outcome), name="finish")
