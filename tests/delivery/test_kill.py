"""A worker killed in the middle of a delivery: the result opens once, one mail goes out."""

from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.models import AuditEntry, Mail
from app.portal import Portal
from tests.checkout.shop import put_result
from tests.helpers import Sandbox, make_order, reload, wait_for
from tests.workers import kill_when_called, silent_server, worker_named

pytestmark = pytest.mark.faults


def test_a_delivery_killed_in_the_middle_opens_once(
    own_house: tuple[Portal, dict[str, str]], sandbox: Sandbox, folder: Path, email: str
) -> None:
    portal, environment = own_house
    now = portal.clock()
    order = make_order(portal, email=email, state="analysed", money="paid", analysed_at=now, paid_at=now)
    put_result(portal, order)
    with (
        silent_server() as (address, server),
        worker_named("deliverer", {**environment, "S3_ENDPOINT_URL": f"http://{address}"}, folder) as child,
    ):
        with portal.database.transaction() as session:
            portal.jobs.enqueue(session, "delivery.build", order.id)
        kill_when_called(child, server)
    assert reload(portal, order).state == "analysed"
    with worker_named("deliverer", environment, folder):
        wait_for(lambda: reload(portal, order).state == "delivered", 30, "the delivery")
        wait_for(lambda: sandbox.mails(email), 30, "the mail")
    assert len(sandbox.mails(email)) == 1
    with portal.database.transaction() as session:
        opened = select(func.count()).where(AuditEntry.order_id == order.id, AuditEntry.kind == "work.delivered")
        assert session.scalar(opened) == 1
        assert session.scalar(select(func.count()).where(Mail.order_id == order.id)) == 1
    manifest = reload(portal, order).delivery
    assert manifest is not None
    assert portal.storage.head(manifest["files"][0]["key"]).size == manifest["files"][0]["size"]
