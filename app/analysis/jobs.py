"""The jobs that analyse an order's file: one waits for the turn of its product, one works."""

from app.analysis import renewal
from app.analysis.program import Outcome, ended
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
    outcome = _outcome(order_id)
    step(lambda: finish(order_id, outcome), name="finish")


@job("analysis.renew")
def renew(order_id: str) -> None:
    """Wait in the same line, then have the file of an order that has its result analysed once more."""
    portal.jobs.hand_on("analysis.work_anew", order_id)


@job("analysis.work_anew")
def work_anew(order_id: str) -> None:
    """Analyse once more; a worker that is killed in the middle runs the interrupted step again."""
    outcome = _outcome(order_id)
    step(lambda: renewal.finish(order_id, outcome), name="finish")


def _outcome(order_id: str) -> Outcome:
    try:
        # Ten tries wait 17 minutes in all: longer than an object store is away for.
        return step(lambda: run_program(order_id), name="run", attempts=10, first_wait=2.0)
    except StepFailedError as error:
        return ended("failed", f"given up: {error}")
