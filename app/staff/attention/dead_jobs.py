"""Jobs that failed for good: DBOS gave them up, and nothing runs them again by itself."""

from collections.abc import Collection
from datetime import UTC, datetime

from dbos import WorkflowStatus
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import Order
from app.portal import portal
from app.staff.attention.kinds import JOB
from app.staff.attention.thing import Thing
from app.webhooks.queue import reason

DEAD = ["ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
MOST_READ = 1000
"""The newest of them: failed jobs are kept for ever, and the inbox is counted on every page."""


def dead_jobs(session: Session) -> list[Thing]:
    """Return the jobs that failed for good, each with its order where it is about one.

    A job that runs by itself is one thing however often it fails, by its name, and gone when it has succeeded since.
    One that another dead job waited for (`JobQueue.hand_on`) is not told of beside it.
    """
    dead = _dead()
    ids = {job.workflow_id for job in dead}
    scheduled: dict[str, WorkflowStatus] = {}
    others = []
    for job in dead:
        if _by_itself(job):
            scheduled.setdefault(job.name, job)
        elif job.workflow_id.partition(":")[2] not in ids:
            others.append(job)
    about = {subject_of(job) for job in others}
    orders = set(session.scalars(select(Order.id).where(Order.id.in_(about)))) if about else set()
    by_themselves = (_thing(job, name) for name, job in scheduled.items() if not _well_since(job))
    return [*(_thing(job, job.workflow_id, orders) for job in others), *by_themselves]


def dead_job(workflow_id: str) -> WorkflowStatus | None:
    """Return a job that failed for good, or None."""
    found = portal.jobs.client.list_workflows(workflow_ids=[workflow_id], status=DEAD)
    return found[0] if found and not _by_itself(found[0]) else None


def run_again(session: Session, job: WorkflowStatus) -> None:
    """Enqueue the job once more, as one of its own; asked for twice it is one."""
    portal.jobs.enqueue(session, job.name, subject_of(job), key=f"{job.workflow_id}:again")


def subject_of(job: WorkflowStatus) -> str:
    """Return the id that the job was given."""
    return str(job.input["args"][0]) if job.input and job.input["args"] else ""


def _dead() -> list[WorkflowStatus]:
    return portal.jobs.client.list_workflows(status=DEAD, sort_desc=True, limit=MOST_READ)


def _by_itself(job: WorkflowStatus) -> bool:
    """Tell whether it is a scheduled job: its id is the moment that it is for (app.jobs.SCHEDULE)."""
    try:
        datetime.fromisoformat(subject_of(job))
    except ValueError:
        return False
    return True


def _well_since(job: WorkflowStatus) -> bool:
    began = _moment(job.created_at).isoformat()
    later = portal.jobs.client.list_workflows(
        name=job.name, status="SUCCESS", start_time=began, limit=1, load_input=False, load_output=False
    )
    return bool(later)


def _thing(job: WorkflowStatus, subject: str, orders: Collection[str] = ()) -> Thing:
    why = reason(job.error) if job.error else "a worker died of it again and again"
    order_id = subject_of(job) if subject_of(job) in orders else None
    return Thing(JOB, subject, _moment(job.completed_at or job.created_at), order_id, told=job.name, about=why)


def _moment(milliseconds: int | None) -> datetime:
    return datetime.fromtimestamp((milliseconds or 0) / 1000, UTC)
