"""ECS says that a task has changed: the state of a run's task is kept for the worker that waits for it."""

from sqlalchemy import or_, update
from sqlalchemy.orm import Session

from app.analysis.runs import TASK_OVER
from app.events import TASK_CHANGED, AwsEvent, on
from app.models import Run

STATE_LENGTH = 30


@on(TASK_CHANGED)
def task_changed(session: Session, event: AwsEvent) -> None:
    """Keep the state of a task; tasks of others are left alone.

    Events may come twice and in any order, so after STOPPED nothing changes any more. Their shape:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html.
    """
    session.execute(
        update(Run)
        .where(Run.task == event.detail["taskArn"], or_(Run.task_state.is_(None), Run.task_state != TASK_OVER))
        .values(task_state=event.detail["lastStatus"][:STATE_LENGTH])
    )
