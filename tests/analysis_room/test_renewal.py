"""An order that has its result is analysed once more: what is there stays until its successor is complete."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from app.analysis import renewal
from app.analysis.again import CantRunError, run_again
from app.analysis.service import finish, run_program, start
from app.delivery.service import build, rebuild
from app.errors import StorageDownError
from app.gateways.storage import NoSuchObjectError
from app.models import Order
from app.orders.records import key_of
from app.portal import Portal
from tests.analysis_room.conftest import CSV
from tests.checkout.shop import audit, put_result
from tests.helpers import make_order, make_payment, reload, wait_for
from tests.staff.desk import act_in_haste, done, entries, mails_to, member

Arrived = Callable[..., Order]
OLD = "a line of the first result"


def delivered(shop: Portal, arrived: Arrived, mood: str = "good") -> Order:
    """Give an order that was analysed, paid and delivered; its result holds one more file, by which it is known."""
    order = arrived("good")
    assert start(order.id)
    finish(order.id, run_program(order.id))
    make_payment(shop, order, state="paid")
    shop.storage.put(f"results/{order.id}/run/old.txt", OLD.encode(), "text/plain")
    change(shop, order, money="paid", product=f"test-{mood}")
    build(order.id)
    assert reload(shop, order).state == "delivered"
    return order


def change(shop: Portal, order: Order, **columns: Any) -> None:
    with shop.database.transaction() as session:
        session.execute(update(Order).where(Order.id == order.id).values(columns))


def again(shop: Portal, order: Order) -> None:
    with shop.database.transaction() as session:
        run_again(session, order.id, "staff:me@kaiseki.example")


def jobs(shop: Portal, name: str, order: Order) -> list[str]:
    found = shop.jobs.client.list_workflows(workflow_id_prefix=f"{name}:{order.id}")
    return [str(job.queue_name) for job in found]


def is_old(shop: Portal, order: Order) -> bool:
    """Tell whether what the first run wrote is still there."""
    try:
        return shop.storage.get(f"results/{order.id}/run/old.txt") == OLD.encode()
    except NoSuchObjectError:
        return False


def test_the_new_result_takes_the_place_of_the_old(shop: Portal, arrived: Arrived) -> None:
    """Once, whatever is repeated; meanwhile the customer has the old one, and gets no mail."""
    order = delivered(shop, arrived)
    before, told = reload(shop, order), mails_to(shop, order.email)
    again(shop, order)
    again(shop, order)
    assert jobs(shop, "analysis.renew", order) == ["analysis.test-good"]
    outcome = run_program(order.id)
    assert reload(shop, order).state == "delivered"
    for _ in range(2):
        renewal.finish(order.id, outcome)
    rebuild(order.id)
    after = reload(shop, order)
    assert (after.state, after.kept_until, after.delivered_at) == ("delivered", before.kept_until, before.delivered_at)
    assert after.delivery != before.delivery
    assert after.analysed_at != before.analysed_at
    assert not is_old(shop, order)
    assert len(jobs(shop, "delivery.rebuild", order)) == 1
    assert [entry["actor"] for entry in entries(shop, order, "analysis.renewed")] == ["worker"]
    assert mails_to(shop, order.email) == told
    again(shop, order)
    assert len(jobs(shop, "analysis.renew", order)) == 2


@pytest.mark.parametrize("mood", ["crash", "refuse"])
def test_a_run_that_comes_to_nothing_changes_nothing(shop: Portal, arrived: Arrived, mood: str) -> None:
    """Staff are told; the next run that works ends that."""
    order = delivered(shop, arrived, mood)
    before, kept = reload(shop, order), shop.storage.get(key_of("analysis", order.id))
    again(shop, order)
    renewal.finish(order.id, run_program(order.id))
    after = reload(shop, order)
    assert (after.state, after.attention, after.reason) == ("delivered", "renewal_failed", None)
    assert (after.delivery, after.preview) == (before.delivery, before.preview)
    assert is_old(shop, order)
    assert shop.storage.get(key_of("analysis", order.id)) == kept
    again(shop, order)
    assert reload(shop, order).attention is None
    assert len(jobs(shop, "analysis.renew", order)) == 2


def test_a_result_that_is_not_paid_yet(shop: Portal, arrived: Arrived) -> None:
    """It can be paid meanwhile: then the new one is delivered."""
    order = arrived("good")
    assert start(order.id)
    finish(order.id, run_program(order.id))
    told = mails_to(shop, order.email)
    again(shop, order)
    renewal.finish(order.id, run_program(order.id))
    assert (reload(shop, order).state, mails_to(shop, order.email)) == ("analysed", told)
    assert jobs(shop, "delivery.build", order) == []
    again(shop, order)
    change(shop, order, money="paid")
    renewal.finish(order.id, run_program(order.id))
    assert len(jobs(shop, "delivery.build", order)) == 1


def test_a_store_that_fails_in_the_middle_leaves_a_whole_result(
    shop: Portal, arrived: Arrived, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever pays just then gets every file."""
    order = delivered(shop, arrived)
    before = {key for key, _ in shop.storage.list(f"results/{order.id}/run/")}
    again(shop, order)

    def gone(_name: str) -> None:
        raise StorageDownError

    with monkeypatch.context() as broken:
        broken.setattr("app.analysis.program.fail_point", gone)
        with pytest.raises(StorageDownError):
            run_program(order.id)
    assert {key for key, _ in shop.storage.list(f"results/{order.id}/run/")} >= before
    assert run_program(order.id)["event"] == "analysed"
    assert not is_old(shop, order)


def test_a_wish_to_stop_that_came_too_late_does_not_stop_it(shop: Portal, arrived: Arrived) -> None:
    order = delivered(shop, arrived)
    change(shop, order, cancel_asked_at=shop.clock())
    again(shop, order)
    assert run_program(order.id)["event"] == "analysed"


def test_what_was_deleted_meanwhile_does_not_come_back(shop: Portal, arrived: Arrived) -> None:
    order = delivered(shop, arrived)
    again(shop, order)
    outcome = run_program(order.id)
    change(shop, order, result_gone_at=shop.clock(), input_gone_at=shop.clock())
    renewal.finish(order.id, outcome)
    assert entries(shop, order, "analysis.renewed") == []
    assert len(jobs(shop, "privacy.files", order)) == 1


@pytest.mark.parametrize("columns", [{"money": "refunded"}, {"result_gone_at": True}])
def test_without_a_result_to_replace_there_is_no_second_one(
    shop: Portal, arrived: Arrived, columns: dict[str, Any]
) -> None:
    order = delivered(shop, arrived)
    change(shop, order, **{name: shop.clock() if value is True else value for name, value in columns.items()})
    with pytest.raises(CantRunError, match="it is delivered"):
        again(shop, order)


def test_staff_press_the_button(portal: Portal, app: Flask, worker: None) -> None:
    """A real worker, the product that is sold: from the confirm page to the new zip."""
    order = make_order(portal, state="analysed", money="paid", filename="sold.csv")
    make_payment(portal, order, state="paid")
    portal.storage.put(f"orders/{order.id}.kaiseki", CSV * 50, "application/octet-stream")
    put_result(portal, order)
    build(order.id)
    before = reload(portal, order)
    client = member(portal, app)
    done(client, act_in_haste(client, order, "again"), order)

    def renewed() -> bool:
        fresh = reload(portal, order)
        return fresh.delivery is not None and fresh.delivery != before.delivery

    wait_for(renewed, 60, "the new result")
    assert reload(portal, order).state == "delivered"
    assert entries(portal, order, "analysis.renewed") != []
    page = client.get(f"/staff/orders/{order.id}").text
    assert "Analysed once more" in page
    assert audit(portal, order).count("work.delivered") == 1
