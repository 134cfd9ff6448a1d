"""One action on many orders: a page for all, an outcome for each."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.kit.clock import last_moment
from app.kit.ids import new_id
from app.mail.service import queue_mail
from app.models import Order
from app.portal import Portal
from app.staff.actions.catalog import ACTIONS, BY_KEY
from app.staff.actions.views import AT_ONCE
from tests.checkout.shop import hidden, mails
from tests.helpers import make_order, reload
from tests.login.steps import post
from tests.staff.desk import entries, logged, member

BULK = [action.key for action in ACTIONS if action.bulk]


def send(client: FlaskClient, key: str, orders: list[str], **fields: str) -> TestResponse:
    """Send the form of the list, or of the confirm page."""
    return post(client, f"/staff/orders/do/{key}", order=orders, **fields)


def act_on(client: FlaskClient, key: str, orders: list[Order], *, times: int = 1, **fields: str) -> TestResponse:
    """Tick orders in the list, choose an action, and send its confirm page."""
    ids = [order.id for order in orders]
    page = send(client, key, ids)
    assert page.status_code == 200, page.text
    assert [order.id in page.text for order in orders] == [True] * len(orders)
    once = hidden(page, "once")
    return [send(client, key, ids, once=once, **fields) for _ in range(times)][-1]


def with_mails(portal: Portal, *kinds: Any, **columns: Any) -> Order:
    """Store an order about which mails have gone out."""
    order = make_order(portal, **{"state": "analysed", **columns})
    for kind in kinds:
        with portal.database.transaction() as session:
            queue_mail(session, kind, order)
    return order


def test_a_mail_goes_out_once_more_for_each_order(portal: Portal, app: Flask) -> None:
    """All kinds that one of them has can be chosen; an order that lacks it is told apart and holds up no other."""
    orders = [with_mails(portal, "choose_payment") for _ in range(3)]
    bare = with_mails(portal, "analysis_failed", state="failed")
    client = member(portal, app)
    page = send(client, "resend", [order.id for order in [*orders, bare]]).text
    assert 'value="choose_payment"' in page
    assert 'value="analysis_failed"' in page
    answer = act_on(client, "resend", [*orders, bare], mail="choose_payment")
    assert "Done for 3 of 4 orders." in answer.text
    assert "does not have what was chosen" in answer.text
    for order in orders:
        assert mails(portal, order) == ["choose_payment"] * 2
        assert len(entries(portal, order, "staff.resend")) == len(logged(portal, order)) == 1
    assert mails(portal, bare) == ["analysis_failed"]
    assert logged(portal, bare) == []


def test_a_page_that_was_sent_twice_is_done_once(portal: Portal, app: Flask) -> None:
    orders = [with_mails(portal, "choose_payment") for _ in range(2)]
    answer = act_on(member(portal, app), "resend", orders, times=3, mail="choose_payment")
    assert answer.text.count("done already") == 2
    assert [mails(portal, order) for order in orders] == [["choose_payment"] * 2] * 2


def test_results_are_kept_longer_where_there_are_any(portal: Portal, app: Flask) -> None:
    until = last_moment(portal.clock())
    columns = {"state": "delivered", "money": "paid", "kept_until": until, "delivery": {"files": []}}
    kept, none = make_order(portal, **columns), make_order(portal, state="failed")
    client = member(portal, app)
    page = send(client, "extend", [kept.id, none.id]).text
    assert page.count("Not possible now") == 1
    assert act_on(client, "extend", [kept, none], days="30").status_code == 422, "a reason is asked for"
    answer = act_on(client, "extend", [kept, none], days="30", reason="a fault of ours")
    assert "Done for 1 of 2 orders." in answer.text
    assert "not possible with this order now" in answer.text
    fresh = reload(portal, kept)
    assert fresh.kept_until is not None
    assert fresh.kept_until > until


def test_an_order_that_is_gone_is_told_apart(portal: Portal, app: Flask) -> None:
    order = with_mails(portal, "choose_payment")
    client = member(portal, app)
    once = hidden(send(client, "resend", [order.id]), "once")
    answer = send(client, "resend", [order.id, new_id()], once=once, mail="choose_payment")
    assert answer.status_code == 200
    assert "Done for 1 of 2 orders." in answer.text


@pytest.mark.parametrize("ids", [[], ["x"], [new_id() for _ in range(AT_ONCE + 1)]], ids=["none", "odd", "too many"])
def test_none_or_too_many_are_refused(portal: Portal, app: Flask, ids: list[str]) -> None:
    answer = send(member(portal, app), "resend", ids)
    assert answer.status_code == 422
    assert "100 at most" in answer.text


def test_what_was_ticked_twice_is_one_order(portal: Portal, app: Flask) -> None:
    order = with_mails(portal, "choose_payment")
    client = member(portal, app)
    once = hidden(send(client, "resend", [order.id] * 2), "once")
    answer = send(client, "resend", [order.id] * 2, once=once, mail="choose_payment")
    assert "Done for 1 of 1 orders." in answer.text


def test_what_is_too_dangerous_for_many_is_not_there(portal: Portal, app: Flask) -> None:
    order, client = make_order(portal, state="failed"), member(portal, app, "admin")
    for key in [action.key for action in ACTIONS if not action.bulk] + ["nothing"]:
        assert send(client, key, [order.id]).status_code == 404
    assert {"resend", "extend", "again"} <= set(BULK)
    assert not {"erase", "email", "cancel"} & set(BULK)


@pytest.mark.parametrize("key", BULK)
def test_ac_s02_many_orders_are_for_those_who_may_act_on_one(portal: Portal, app: Flask, key: str) -> None:
    assert BY_KEY[key].permission == "orders.act"
    assert send(member(portal, app, "viewer"), key, [make_order(portal).id]).status_code == 403
