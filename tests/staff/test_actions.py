"""Actions on an order: who may, the confirm page, once, audit and staff log; every action has its words."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from app.kit.clock import system_clock
from app.kit.ids import new_id
from app.login.people import SESSION_COOKIE, STAFF_STEP_UP
from app.mail.service import queue_mail
from app.models import Order
from app.portal import Portal
from app.staff.actions.action import Action
from app.staff.actions.catalog import ACTIONS
from app.staff.log.chain import broken_at
from app.staff.permissions import MATRIX, ROLES
from app.staff.words import AUDIT
from tests.cast import HOST, browser_of
from tests.checkout.shop import audit, mails
from tests.helpers import make_order, reload
from tests.login.steps import post
from tests.staff.desk import act, act_in_haste, done, entries, logged, member, path_of

EACH = pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.key)
LATER = STAFF_STEP_UP + timedelta(seconds=10)


def with_mail(portal: Portal) -> Order:
    """Store an analysed order whose customer was asked to pay."""
    order = make_order(portal, state="analysed")
    with portal.database.transaction() as session:
        queue_mail(session, "choose_payment", order)
    return order


def test_every_action_has_a_word_in_the_timeline_and_a_permission() -> None:
    assert [action.key for action in ACTIONS if f"staff.{action.key}" not in AUDIT] == []
    assert {action.permission for action in ACTIONS} <= set(MATRIX)
    assert len({action.key for action in ACTIONS}) == len(ACTIONS)


@EACH
@pytest.mark.parametrize("role", ROLES)
def test_ac_s02_an_action_is_for_those_whose_role_has_its_permission(
    portal: Portal, app: Flask, role: str, action: Action
) -> None:
    """Page and form answer 403 to every other role, in an order where it is possible or not."""
    key, permission = action.key, action.permission
    client, order = member(portal, app, role), make_order(portal, state="analysed")
    expected = {True: (200, 422), False: (403, 403)}[role in MATRIX[permission]]
    answers = client.get(path_of(order, key)), post(client, path_of(order, key))
    assert tuple(answer.status_code for answer in answers) == expected
    assert audit(portal, order) == []


def test_what_is_unknown_is_not_found(portal: Portal, app: Flask) -> None:
    client, order = member(portal, app), make_order(portal)
    assert client.get(path_of(order, "nothing")).status_code == 404
    assert client.get(f"/staff/orders/{new_id()}/do/resend").status_code == 404
    assert post(client, f"/staff/orders/{new_id()}/do/resend", once=new_id()).status_code == 404


def test_a_form_that_was_sent_twice_is_done_once(portal: Portal, app: Flask) -> None:
    """The order's audit and the staff log name who, what and why, and the log's chain holds."""
    client, order = member(portal, app), with_mail(portal)
    page = done(client, act_in_haste(client, order, "resend", mail="choose_payment"), order)
    assert "done already" in page
    assert order.email in page
    assert mails(portal, order) == ["choose_payment"] * 2
    (entry,) = entries(portal, order, "staff.resend")
    assert entry["actor"].startswith("staff:support-")
    assert entry["mail"] == "choose_payment"
    (line,) = logged(portal, order)
    assert (line.action, line.role, line.data) == ("order.resend", "support", {"mail": "choose_payment"})
    assert f"staff:{line.member}" == entry["actor"]
    with portal.database.transaction() as session:
        assert broken_at(session) is None


def test_of_many_clicks_at_the_same_moment_one_does_it(portal: Portal, app: Flask) -> None:
    client, order, once = member(portal, app), with_mail(portal), new_id()
    secret = client.get_cookie(SESSION_COOKIE, domain=HOST)
    assert secret
    browsers = [browser_of(app) for _ in range(6)]
    for browser in browsers:
        browser.set_cookie(SESSION_COOKIE, secret.value, domain=HOST)
    with ThreadPoolExecutor(6) as pool:
        answers = pool.map(
            lambda b: post(b, path_of(order, "resend"), once=once, mail="choose_payment").status_code, browsers
        )
        assert set(answers) == {303}
    assert mails(portal, order) == ["choose_payment"] * 2
    assert len(entries(portal, order, "staff.resend")) == len(logged(portal, order)) == 1
    with portal.database.transaction() as session:
        assert broken_at(session) is None


def test_two_pages_are_two_deeds(portal: Portal, app: Flask) -> None:
    client, order = member(portal, app), with_mail(portal)
    for _ in range(2):
        act(client, order, "resend", mail="choose_payment")
    assert mails(portal, order) == ["choose_payment"] * 3


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "Please give a reason"),
        ({"reason": " "}, "Please give a reason"),
        ({"reason": "x" * 501}, "500 characters"),
        ({"reason": "asked for it", "email": ""}, "Please look at this once more"),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_done(
    portal: Portal, app: Flask, fields: dict[str, str], told: str
) -> None:
    client, order = member(portal, app), make_order(portal, state="analysed")
    answer = act(client, order, "email", **{"email": "new@example.jp", **fields})
    assert answer.status_code == 422
    assert told in answer.text
    assert audit(portal, order) == []
    assert reload(portal, order).email == order.email


@pytest.mark.parametrize("once", ["", "x", "0F58C483-61D8-418D-B6B5-5326D28A78AC"])
def test_a_form_without_its_number_is_refused(portal: Portal, app: Flask, once: str) -> None:
    client, order = member(portal, app), with_mail(portal)
    assert post(client, path_of(order, "resend"), mail="choose_payment", once=once).status_code == 422
    assert mails(portal, order) == ["choose_payment"]


def test_before_and_after_are_in_the_log_as_digests_only(portal: Portal, app: Flask, email: str) -> None:
    """AC-S05: what changed can be proved, and nobody's data has to be deleted from the log."""
    client, order = member(portal, app), make_order(portal, email=email, state="analysed")
    act(client, order, "email", email=f"new-{email}", reason="misspelt")
    (line,) = logged(portal, order)
    assert line.reason == "misspelt"
    assert line.before != line.after
    assert {len(str(line.before)), len(str(line.after))} == {64}
    assert email not in repr([getattr(line, column.key) for column in line.__mapper__.column_attrs])


def test_the_orders_page_offers_what_is_possible_and_allowed(portal: Portal, app: Flask) -> None:
    order = make_order(portal, state="failed")

    def offered(role: str) -> set[str]:
        page = member(portal, app, role).get(f"/staff/orders/{order.id}").text
        return set(re.findall(rf"/staff/orders/{order.id}/do/([a-z-]+)", page))

    assert offered("viewer") == set()
    assert offered("support") == {"resend", "email", "again"}
    assert offered("admin") >= {"resend", "email", "again", "erase"}


@EACH
def test_a_dangerous_action_asks_for_the_second_factor_once_more(portal: Portal, app: Flask, action: Action) -> None:
    """After five minutes page and form of a `proved` action lead to the code; the others go on."""
    key, proved = action.key, action.proved
    client, order = member(portal, app, "admin"), make_order(portal, state="analysed")
    with time_machine.travel(system_clock() + LATER):
        page, form = client.get(path_of(order, key)), post(client, path_of(order, key))
    if proved:
        there = f"/staff/login/code?next=staff.order&order={order.id}&again=1"
        assert {(answer.status_code, answer.location) for answer in (page, form)} == {(303, there)}
    else:
        assert (page.status_code, form.status_code) == (200, 422)


def test_an_action_that_is_not_possible_now_says_so(portal: Portal, app: Flask) -> None:
    """Also where it was possible when its page was opened."""
    client, order = member(portal, app), make_order(portal, state="failed")
    once = new_id()
    with portal.database.transaction() as session:
        session.get_one(Order, order.id).state = "uploaded"
    assert "not possible with this order now" in client.get(path_of(order, "again")).text
    answer = post(client, path_of(order, "again"), once=once)
    assert answer.status_code == 422
    assert "not possible with this order now" in answer.text
    assert audit(portal, order) == []
