"""Staff and the analysis: run it once more, stop it, put the deliverable together anew."""

import io
import json
import zipfile
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from app.delivery.bundle import NothingToDeliverError
from app.delivery.service import FAILED, build, call_staff, rebuild
from app.errors import ConflictError
from app.kit.ids import new_id
from app.models import Order
from app.orders.jobs import keep_manifest
from app.orders.records import key_of
from app.portal import Portal
from tests.checkout.shop import audit, go_to_stripe, mails, order_of, payments, put_result
from tests.helpers import make_order, make_payment, reload, wait_for
from tests.login.steps import post
from tests.staff.desk import act, act_in_haste, done, member, path_of


def jobs(portal: Portal, name: str, order: Order) -> int:
    """Count the jobs of a kind about an order."""
    return len(portal.jobs.client.list_workflows(workflow_id_prefix=f"{name}:{order.id}"))


def refused(client: FlaskClient, order: Order, key: str) -> bool:
    """Tell whether an action is neither offered nor done, though its form is sent."""
    offered = path_of(order, key) in client.get(f"/staff/orders/{order.id}").text
    return not offered and post(client, path_of(order, key), once=new_id(), reason="r").status_code == 422


@pytest.mark.parametrize("state", ["failed", "cancelled", "rejected"])
def test_an_analysis_that_came_to_nothing_runs_once_more(nobody_works: tuple[Portal, Flask], state: str) -> None:
    """Once, however often the button is pressed; what called for staff because of it is over."""
    portal, app = nobody_works
    order = make_order(portal, state=state, attention="analysis_failed", reason={"ja": "x", "en": "x"})
    client = member(portal, app)
    done(client, act_in_haste(client, order, "again"), order)
    fresh = reload(portal, order)
    assert (fresh.state, fresh.attention, fresh.reason) == ("uploaded", None, None)
    assert audit(portal, order) == ["work.retried", "staff.again"]
    assert jobs(portal, "analysis.run", order) == 1


@pytest.mark.parametrize(
    "columns",
    [
        {"state": "waiting"},
        {"state": "delivered", "money": "refunded"},
        {"state": "rejected", "scan": "infected"},
        {"state": "cancelled", "charge": "before_analysis"},
        {"state": "abandoned"},
    ],
)
def test_what_has_no_reason_to_run_again_does_not(portal: Portal, app: Flask, columns: dict[str, Any]) -> None:
    order = make_order(portal, **columns)
    assert refused(member(portal, app), order, "again")
    assert reload(portal, order).state == columns["state"]


def test_without_its_file_nothing_runs_again(portal: Portal, app: Flask) -> None:
    assert refused(member(portal, app), make_order(portal, state="failed", input_gone_at=portal.clock()), "again")


def test_an_order_in_the_line_is_cancelled_and_comes_back(nobody_works: tuple[Portal, Flask]) -> None:
    """Cancelling is undone by running the analysis after all."""
    portal, app = nobody_works
    order, client = make_order(portal, state="uploaded"), member(portal, app)
    assert "is cancelled" in done(client, act(client, order, "cancel", reason="asked for it"), order)
    assert reload(portal, order).state == "cancelled"
    done(client, act(client, order, "again"), order)
    assert reload(portal, order).state == "uploaded"
    assert audit(portal, order) == ["work.cancelled", "staff.cancel", "work.retried", "staff.again"]


def test_a_running_analysis_is_asked_to_stop(portal: Portal, app: Flask) -> None:
    order, client = make_order(portal, state="analysing"), member(portal, app)
    assert "being stopped" in done(client, act(client, order, "cancel", reason="asked for it"), order)
    fresh = reload(portal, order)
    assert (fresh.state, fresh.cancel_asked_at is not None) == ("analysing", True)
    assert refused(client, order, "cancel")


def test_what_is_cancelled_can_not_be_paid_any_more(portal: Portal, app: Flask, client: FlaskClient) -> None:
    """A product that is paid first: the page that is open at Stripe closes before the order does."""
    order = order_of(portal, client, state="uploaded", charge="before_analysis")
    session_id = go_to_stripe(client, order)
    desk = member(portal, app)
    done(desk, act(desk, order, "cancel", reason="asked for it"), order)
    assert portal.stripe.retrieve_session(session_id)["status"] == "expired"
    assert payments(portal, order)[0].state == "expired"
    assert reload(portal, order).state == "cancelled"


def test_cancelling_what_is_paid_calls_for_a_refund(portal: Portal, app: Flask) -> None:
    order = make_order(portal, state="uploaded", charge="before_analysis", money="paid")
    make_payment(portal, order, state="paid")
    client = member(portal, app)
    done(client, act(client, order, "cancel", reason="asked for it"), order)
    assert reload(portal, order).attention == "paid_but_no_result"


@pytest.mark.parametrize("state", ["waiting", "analysed", "delivered", "failed", "cancelled", "abandoned"])
def test_there_is_nothing_to_cancel(portal: Portal, app: Flask, state: str) -> None:
    assert refused(member(portal, app), make_order(portal, state=state), "cancel")


def paid_order(portal: Portal, client: FlaskClient, **columns: Any) -> Order:
    """Store an order with a result that is paid."""
    order = order_of(portal, client, money="paid", **columns)
    make_payment(portal, order, state="paid")
    return order


def test_a_delivery_that_got_stuck_is_tried_at_once(
    portal: Portal, app: Flask, client: FlaskClient, worker: None
) -> None:
    order = paid_order(portal, client, attention=FAILED)
    desk = member(portal, app)
    done(desk, act(desk, order, "rebuild"), order)
    wait_for(lambda: reload(portal, order).state == "delivered", what="the delivery")
    assert reload(portal, order).attention is None
    assert "result_open" in mails(portal, order)


def test_a_deliverable_is_put_together_anew(portal: Portal, app: Flask, client: FlaskClient, worker: None) -> None:
    """From what the analysis has written now; nobody gets another mail, and a rebuilt ledger knows the new one."""
    order = paid_order(portal, client)
    build(order.id)
    before = reload(portal, order)
    told = mails(portal, order)
    portal.storage.put(f"results/{order.id}/run/late.txt", b"late", "text/plain")
    desk = member(portal, app)
    done(desk, act_in_haste(desk, order, "rebuild"), order)

    def rebuilt() -> Order | None:
        fresh = reload(portal, order)
        return fresh if fresh.delivery != before.delivery else None

    after = wait_for(rebuilt, what="the new deliverable")
    assert after.delivery is not None
    names = zipfile.ZipFile(io.BytesIO(portal.storage.get(f"results/{order.id}/result.zip"))).namelist()
    assert any(name.endswith("late.txt") for name in names)
    assert (after.state, after.delivered_at, after.kept_until) == ("delivered", before.delivered_at, before.kept_until)
    assert mails(portal, order) == told
    keep_manifest(order.id)
    assert json.loads(portal.storage.get(key_of("delivery", order.id)))["delivery"] == after.delivery
    assert jobs(portal, "delivery.rebuild", order) == 1


def test_a_deliverable_of_which_nothing_is_left_calls_for_staff(portal: Portal, client: FlaskClient) -> None:
    order = paid_order(portal, client)
    build(order.id)
    portal.storage.purge(f"results/{order.id}/run/")
    with pytest.raises(NothingToDeliverError):
        rebuild(order.id)
    with portal.database.transaction() as session:
        call_staff(session, order.id)
    assert reload(portal, order).attention == FAILED
    put_result(portal, order)
    rebuild(order.id)
    assert reload(portal, order).attention is None


def test_what_was_deleted_meanwhile_does_not_come_back(
    portal: Portal, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its time was over while the zip was written: what was written goes as well."""
    order = paid_order(portal, client)
    build(order.id)
    before = reload(portal, order).delivery

    def time_is_over(_name: str) -> None:
        with portal.database.transaction() as session:
            gone = {"input_gone_at": portal.clock(), "result_gone_at": portal.clock()}
            session.execute(update(Order).where(Order.id == order.id).values(gone))

    monkeypatch.setattr("app.delivery.service.fail_point", time_is_over)
    portal.storage.put(f"results/{order.id}/run/late.txt", b"late", "text/plain")
    rebuild(order.id)
    assert reload(portal, order).delivery == before
    assert jobs(portal, "privacy.files", order) == 1


@pytest.mark.parametrize(
    "columns",
    [
        {"state": "analysed"},
        {"state": "delivered", "money": "refunded"},
        {"state": "failed", "money": "paid"},
        {"state": "waiting"},
    ],
)
def test_what_is_not_owed_is_not_built(portal: Portal, app: Flask, columns: dict[str, Any]) -> None:
    assert refused(member(portal, app), make_order(portal, **columns), "rebuild")


def test_a_room_that_is_faster_leaves_nothing_half_done(
    portal: Portal, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a room refuses after all, neither audit nor staff log tell of it."""
    order, client = make_order(portal, state="failed"), member(portal, app)

    def refuses(*_arguments: object) -> None:
        raise ConflictError

    monkeypatch.setattr("app.staff.actions.work.run_again", refuses)
    assert act(client, order, "again").status_code == 409
    assert audit(portal, order) == []
