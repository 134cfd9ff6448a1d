"""The job that analyses an order's file."""

from app.analysis.program import ended
from app.analysis.service import finish, run_program, start
from app.jobs import StepFailedError, job, step


@job("analysis.run")
def run(order_id: str) -> None:
    """Analyse: a worker that is killed in the middle runs the interrupted step again."""
    if not step(lambda: start(order_id), name="start"):
        return
    try:
        # Ten tries wait 17 minutes in all: longer than an object store is away for.
        outcome = step(lambda: run_program(order_id), name="run", attempts=10, first_wait=2.0)
    except StepFailedError as error:
        outcome = ended("failed", f"given up: {error}")
    step(lambda: finish(order_id, outcome), name="finish")
