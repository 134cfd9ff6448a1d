"""What ECS tells of tasks by itself: EventBridge sends its "ECS Task State Change" to the queue of AWS events."""

from typing import Any

from sqlalchemy import or_, update

from app.models import Run
from app.portal import portal

DETAIL_TYPE = "ECS Task State Change"
OVER = "STOPPED"


def task_changed(detail: dict[str, Any]) -> None:
    """Store the state of a run's task, for the one who waits for it; tasks of others are left alone.

    Events may come twice and in any order: after STOPPED nothing changes any more. `detail` is that of
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html.
    """
    arn, state = detail.get("taskArn"), detail.get("lastStatus")
    if not isinstance(arn, str) or not isinstance(state, str):
        return
    with portal.database.transaction() as session:
        session.execute(
            update(Run)
            .where(Run.task == arn, or_(Run.task_state.is_(None), Run.task_state != OVER))
            .values(task_state=state[:30])
        )
