"""Staff and the result in the customer's hands: its last day, and whether it can be downloaded."""

import json
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.delivery.service import build
from app.kit.clock import last_moment
from app.kit.ids import new_id
from app.models import Order
from app.orders.jobs import keep_manifest
from app.orders.records import key_of
from app.portal import Portal
from app.web.texts import jst_date
from tests.checkout.shop import order_of
from tests.helpers import make_order, make_payment, reload
from tests.history.people import log_in
from tests.login.steps import post
from tests.staff.desk import act, act_in_haste, done, entries, member, path_of


def open_order(portal: Portal, client: FlaskClient, **columns: Any) -> Order:
    """Store a paid and delivered order that this browser made."""
    order = order_of(portal, client, money="paid", **columns)
    make_payment(portal, order, state="paid")
    build(order.id)
    return reload(portal, order)


def manifest(portal: Portal, order: Order) -> dict[str, Any]:
    """Read what the object store keeps of the deliverable, once the job of the change has run."""
    assert portal.jobs.client.list_workflows(workflow_id_prefix=f"orders.record:{order.id}")
    keep_manifest(order.id)
    return dict(json.loads(portal.storage.get(key_of("delivery", order.id))))


@pytest.mark.parametrize("days", [30, 90, 180])
def test_a_result_is_kept_longer(portal: Portal, app: Flask, client: FlaskClient, days: int) -> None:
    """By whole days, once; the customer's page, a rebuilt ledger and the audit say so."""
    order, desk = open_order(portal, client), member(portal, app)
    assert order.kept_until is not None
    until = last_moment(order.kept_until + timedelta(days=days))
    with app.test_request_context("/?lang=en"):
        day = jst_date(until)
    page = done(desk, act_in_haste(desk, order, "extend", days=str(days), reason="travels"), order)
    assert "done already" in page
    assert reload(portal, order).kept_until == until
    assert day in client.get(f"/orders/{order.id}?lang=en").text
    assert manifest(portal, order)["kept_until"] == until.isoformat()
    (entry,) = entries(portal, order, "staff.extend")
    assert (entry["until"], entry["reason"]) == (until.isoformat(), "travels")


@pytest.mark.parametrize("days", ["", "0", "31", "-30", "x", "99999"])
def test_other_numbers_of_days_are_refused(portal: Portal, app: Flask, client: FlaskClient, days: str) -> None:
    order = open_order(portal, client)
    assert act(member(portal, app), order, "extend", days=days, reason="r").status_code == 422
    assert reload(portal, order).kept_until == order.kept_until


def test_closed_downloads_open_for_nobody(portal: Portal, app: Flask, client: FlaskClient, email: str) -> None:
    """The order's page says so in words; after opening them again all is as before."""
    order = open_order(portal, client, email=email)
    desk, paths = member(portal, app), [f"/orders/{order.id}/{name}" for name in ("files/result.zip", "report")]
    done(desk, act(desk, order, "close-downloads", reason="looked into"), order)
    for visitor in (client, log_in(portal, client, email)):
        for path in paths:
            answer = visitor.get(f"{path}?lang=en")
            assert answer.status_code == 409
            assert "closed for now" in answer.text
        page = visitor.get(f"/orders/{order.id}?lang=en").text
        assert "being looked into" in page
        assert "files/result.zip" not in page
    assert "files/result.zip" not in client.get("/history").text
    assert manifest(portal, order)["downloads_closed_at"] is not None
    done(desk, act(desk, order, "open-downloads", reason="all is well"), order)
    assert client.get(paths[0]).status_code == 302
    assert "files/result.zip" in client.get("/history").text
    assert manifest(portal, order)["downloads_closed_at"] is None
    assert [len(entries(portal, order, f"staff.{key}-downloads")) for key in ("close", "open")] == [1, 1]


def test_an_open_page_of_the_customer_learns_that_the_downloads_are_closed(
    portal: Portal, app: Flask, client: FlaskClient
) -> None:
    """Its changing part is not the same as before."""
    order, desk = open_order(portal, client), member(portal, app)
    before = client.get(f"/orders/{order.id}/status?lang=en").text
    act(desk, order, "close-downloads", reason="r")
    after = client.get(f"/orders/{order.id}/status?lang=en")
    assert (after.status_code, after.text == before) == (200, False)


def test_the_customer_can_not_keep_longer_what_is_closed(portal: Portal, app: Flask, client: FlaskClient) -> None:
    order, desk = open_order(portal, client), member(portal, app)
    act(desk, order, "close-downloads", reason="r")
    assert post(client, f"/orders/{order.id}/keep", until=str(order.kept_until)).status_code == 409


@pytest.mark.parametrize("key", ["extend", "close-downloads", "open-downloads"])
@pytest.mark.parametrize("columns", [{"state": "analysed"}, {"state": "waiting"}, {"state": "failed"}])
def test_without_a_result_there_is_nothing_to_do(portal: Portal, app: Flask, columns: dict[str, str], key: str) -> None:
    order, client = make_order(portal, **columns), member(portal, app)
    assert key not in client.get(f"/staff/orders/{order.id}").text
    assert post(client, path_of(order, key), once=new_id(), days="30", reason="r").status_code == 422


def test_what_is_deleted_is_not_kept_longer(portal: Portal, app: Flask, client: FlaskClient) -> None:
    order = open_order(portal, client)
    with portal.database.transaction() as session:
        session.get_one(Order, order.id).result_gone_at = portal.clock()
    answer = post(member(portal, app), path_of(order, "extend"), once=new_id(), days="30", reason="r")
    assert answer.status_code == 422
    assert reload(portal, order).kept_until == order.kept_until
