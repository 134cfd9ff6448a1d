"""What EventBridge tells of tasks, in any order and more than once."""

import json
from datetime import UTC, datetime

import pytest

from app.analysis.events import task_changed
from app.analysis.runs import task_ended
from app.events import TASK_CHANGED, AwsEvent, read
from app.gateways.queue import Message
from app.kit.ids import new_id
from app.models import Order, Run
from app.portal import Portal
from tests.helpers import make_order


def arn() -> str:
    return f"arn:aws:ecs:ap-northeast-1:123456789012:task/kaiseki/{new_id()}"


def tell(portal: Portal, task: str, state: str) -> None:
    """Have an event handled as it comes off the queue."""
    body = {"id": new_id(), "detail-type": TASK_CHANGED, "source": "aws.ecs"}
    detail = {"taskArn": task, "lastStatus": state, "containers": [], "version": 3}
    [event] = read(Message("1", json.dumps({**body, "detail": detail}), "r"))
    with portal.database.transaction() as session:
        task_changed(session, event)


def make_run(portal: Portal, order: Order, task: str | None) -> Run:
    run = Run(id=new_id(), order_id=order.id, engine="fargate", program="p", task=task, started_at=datetime.now(UTC))
    with portal.database.transaction() as session:
        session.add(run)
    return run


def state(portal: Portal, run: Run) -> str | None:
    with portal.database.transaction() as session:
        return session.get_one(Run, run.id).task_state


def test_the_last_state_stays(portal: Portal) -> None:
    order = make_order(portal)
    mine, other, unknown = (make_run(portal, order, task) for task in (arn(), arn(), None))
    assert mine.task is not None
    for told, kept in (("RUNNING", "RUNNING"), ("STOPPED", "STOPPED"), ("RUNNING", "STOPPED"), ("STOPPED", "STOPPED")):
        tell(portal, mine.task, told)
        assert state(portal, mine) == kept
        assert task_ended(mine) == (kept == "STOPPED")
    tell(portal, arn(), "STOPPED")  # somebody else's task in the same cluster
    assert (state(portal, other), state(portal, unknown)) == (None, None)
    assert not task_ended(other)


@pytest.mark.parametrize("detail", [{}, {"taskArn": "arn"}, {"lastStatus": "STOPPED"}])
def test_what_is_no_such_event_is_left_on_the_queue(portal: Portal, detail: dict[str, str]) -> None:
    with pytest.raises(KeyError), portal.database.transaction() as session:
        task_changed(session, AwsEvent("1", TASK_CHANGED, detail))
