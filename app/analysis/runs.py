"""The rows that say what ran: one for each run of a program, for staff alone."""

from collections.abc import Callable

import structlog
from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.catalog import Product
from app.gateways.compute import Finished
from app.kit.ids import new_id
from app.models import Order, Run
from app.portal import portal

OUTSIDE = ("storage_down", "compute_down")  # causes of an interruption that say nothing about the program
TASK_OVER = "STOPPED"  # ECS's word for the last state of a task
PROGRAM_LENGTH = 300
CAUSE_LENGTH = 500

log = structlog.get_logger()


def begin(order: Order, product: Product) -> tuple[Run, int]:
    """Return the run to go on with, and which attempt it is (from 1).

    That is a new one, or the one that a dead worker left: it goes on by itself where the engine is elsewhere, and was
    interrupted where its machine was the worker's own.
    """
    with portal.database.transaction() as session:
        left = session.scalars(select(Run).where(Run.order_id == order.id, Run.outcome.is_(None))).all()
        for run in left:
            if portal.compute.outlives_worker:
                return run, _attempt(session, order)
            run.outcome, run.cause, run.ended_at = "interrupted", "its worker went away", portal.clock()
        program = product.task if portal.compute.name == "fargate" else " ".join(product.command)
        run = Run(
            id=new_id(),
            order_id=order.id,
            engine=portal.compute.name,
            program=(program or "")[:PROGRAM_LENGTH],
            started_at=portal.clock(),
        )
        session.add(run)
        session.flush()
        return run, _attempt(session, order)


def _attempt(session: Session, order: Order) -> int:
    """Count the interruptions since the order's last run that came to an end."""
    newest = session.execute(
        select(Run.outcome, Run.cause)
        .where(Run.order_id == order.id, Run.outcome.is_not(None))
        .order_by(Run.started_at.desc(), Run.id)
        .limit(100)
    )
    count = 1
    for outcome, cause in newest:
        if outcome != "interrupted":
            break
        count += cause not in OUTSIDE
    return count


def end(run: Run, outcome: str, cause: str, finished: Finished | None = None) -> None:
    """Write down how a run ended; `finished` is what its engine said, where it said something."""
    facts = {}
    if finished is not None:
        log_text = finished.log_tail.replace("\0", "")  # PostgreSQL keeps no NUL in a text
        facts = {"exit_code": finished.exit_code, "peak_memory": finished.peak_memory, "log": log_text}
    with portal.database.transaction() as session:
        session.execute(
            update(Run)
            .where(Run.id == run.id, Run.outcome.is_(None))
            .values(outcome=outcome, cause=cause.replace("\0", "")[:CAUSE_LENGTH], ended_at=portal.clock(), **facts)
        )


def task_noter(run: Run) -> Callable[[str], None]:
    """Return a function that keeps the engine's own name for a run."""

    def note(task: str) -> None:
        with portal.database.transaction() as session:
            session.execute(update(Run).where(Run.id == run.id).values(task=task))

    return note


def task_ended(run: Run) -> bool:
    """Tell whether an event said that the run's task has stopped."""
    try:
        with portal.database.transaction() as session:
            return session.scalar(select(Run.task_state).where(Run.id == run.id)) == TASK_OVER
    except SQLAlchemyError:
        return False  # the engine looks by itself from time to time


def cancel_asked(order_id: str) -> bool:
    """Tell whether somebody wants the analysis of an order stopped."""
    try:
        with portal.database.transaction() as session:
            return session.scalar(select(Order.cancel_asked_at).where(Order.id == order_id)) is not None
    except SQLAlchemyError:
        log.warning("analysis.cancel_not_read", order=order_id, exc_info=True)
        return False
