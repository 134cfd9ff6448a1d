"""A result that can't be built waits outside the queue: nobody else's waits behind it."""

from pathlib import Path

from app.delivery.service import FAILED, build, call_staff
from app.models import Order
from app.portal import Portal
from tests.checkout.shop import put_result
from tests.helpers import make_order, reload, wait_for
from tests.workers import worker_named


def _paid(portal: Portal) -> Order:
    now = portal.clock()
    order = make_order(portal, state="analysed", money="paid", analysed_at=now, paid_at=now)
    with portal.database.transaction() as session:
        portal.jobs.enqueue(session, "delivery.build", order.id)
    return order


def test_missing_results_hold_up_nobody(own_house: tuple[Portal, dict[str, str]], folder: Path) -> None:
    portal, environment = own_house
    missing = [_paid(portal) for _ in range(4)]
    good = _paid(portal)
    put_result(portal, good)
    with worker_named("later", environment, folder):
        wait_for(lambda: reload(portal, good).state == "delivered", 60, "the delivery behind four that can't be built")

        def waiting() -> bool:
            held = portal.jobs.client.list_workflows(status="DELAYED", load_input=False, load_output=False)
            return len(held) >= len(missing)

        wait_for(waiting, 60, "the four to wait outside the queue")
        for order in missing:
            put_result(portal, order)
        for held in portal.jobs.client.list_workflows(status="DELAYED", load_input=False, load_output=False):
            portal.jobs.client.set_workflow_delay(held.workflow_id, delay_seconds=0)
        wait_for(lambda: all(reload(portal, o).state == "delivered" for o in missing), 60, "the four")


def test_staff_are_called_and_the_call_ends_with_the_delivery(portal: Portal) -> None:
    now = portal.clock()
    order = make_order(portal, state="analysed", money="paid", analysed_at=now, paid_at=now)
    with portal.database.transaction() as session:
        call_staff(session, order.id)
    assert reload(portal, order).attention == FAILED
    put_result(portal, order)
    build(order.id)
    assert reload(portal, order).attention is None
