"""The invariants see what they are there for: each broken promise, made on purpose, is found."""

import pytest
from sqlalchemy import delete

from app.models import AuditEntry, Mail, Order, StripeEvent
from app.orders.lifecycle import record
from tests.faults.house import House
from tests.faults.invariants import problems
from tests.faults.visitor import Answer
from tests.webhooks.deliveries import make_event

pytestmark = pytest.mark.faults


def test_i1_to_i8_each_broken_promise_is_seen(house: House) -> None:
    now = house.portal.clock()
    order = house.order(state="delivered", money="paid")
    house.born[order.id] = ("analysed", "unpaid")
    unpaid = house.bought()
    house.opened(unpaid)
    with house.portal.database.transaction() as session:
        for _ in range(2):
            record(session, order.id, "work.delivered", "test", now)
        session.get_one(Order, unpaid.id).state = "analysed"
        ours = Mail(id="m" * 36, dedup_key="test", kind="result_open", order_id=order.id, to=order.email, locale="ja")
        ours.params, ours.state, ours.created_at = {}, "sent", now
        event = StripeEvent(id=make_event()["id"], type="test", state="received", received_at=now, due_at=now)
        event.due_at = now.replace(year=2999)
        session.add_all([ours, event])
    house.seen.append(Answer("/test", 500, "Traceback (most recent call last)", {}))
    house.stop("web")
    house.arm("never:raise")
    found = "\n".join(problems(house))
    for promise in ("I1: order", "I2: order", "I3: order", "I3: event", "I4: mail", "I6: /test", "I7: order", "I8:"):
        assert promise in found, found
    assert "never passed" in found
    house.seen.pop()
    with house.portal.database.transaction() as session:
        session.get_one(Order, unpaid.id).state = "delivered"
        session.delete(session.get_one(StripeEvent, event.id))
        session.delete(session.get_one(Mail, ours.id))
        session.execute(delete(AuditEntry).where(AuditEntry.order_id == order.id))
        session.delete(session.get_one(Order, order.id))
