"""A member of staff sees the portal as a customer does: for an hour, only looking, with a reason that is logged."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask, current_app
from sqlalchemy import select

from app.kit.clock import system_clock
from app.kit.ids import digest
from app.login.customer_view import CLOSED, VIEW_COOKIE, VIEW_LIFE, WAYS_OUT
from app.login.people import STAFF_STEP_UP
from app.models import AuditEntry, CustomerView, LoginSession, Order
from app.portal import Portal
from app.staff.people.members import change_role
from app.staff.view_as.service import close
from tests.cast import browser_of, deliver, make_cast
from tests.fuzz.routes import address, rules
from tests.helpers import make_order
from tests.login.steps import cookie, csrf_of, log_in, post, set_cookie
from tests.staff.member import Member, log_of, member
from tests.test_reading import snapshot, tables_of

BANNER = "You see the portal as"
WHY = "The customer can't find the download"


@pytest.fixture
def looker(portal: Portal, app: Flask) -> Member:
    """Give a member of staff."""
    return member(portal, app, "support")


def look(who: Member, order: Order, reason: str = WHY) -> str:
    """Begin a view; return the secret of its cookie."""
    answer = post(who.client, f"/staff/orders/{order.id}/view-as", reason=reason)
    assert (answer.status_code, answer.location) == (303, f"/orders/{order.id}"), answer.text
    secret = cookie(who.client, VIEW_COOKIE)
    assert secret
    return secret


def row_of(portal: Portal, secret: str) -> CustomerView:
    with portal.database.transaction() as session:
        return session.get_one(CustomerView, digest(secret))


def ends_of(portal: Portal, order: Order) -> list[tuple[str, dict[str, Any]]]:
    """Return who ended views of an order's customer, and how."""
    return [(e.member, e.data) for e in log_of(portal, f"order:{order.id}") if e.action == "order.view_end"]


def sees_as_customer(who: Member, order: Order) -> bool:
    """Tell whether this browser is the customer's now."""
    page, back_office = who.client.get(f"/orders/{order.id}"), who.client.get("/staff/orders")
    seen = (page.status_code, back_office.status_code)
    assert seen in {(200, 404), (404, 200)}, seen
    return seen == (200, 404)


def test_the_pages_are_the_customers_with_a_banner_on_each(portal: Portal, looker: Member, email: str) -> None:
    order, other = make_order(portal, email=email, filename="mine.csv"), make_order(portal)
    assert not sees_as_customer(looker, order)
    asked = looker.client.get(f"/staff/orders/{order.id}/view-as").text
    assert email in asked
    assert f"/staff/orders/{order.id}/view-as" in looker.client.get(f"/staff/orders/{order.id}").text
    assert cookie(looker.client, VIEW_COOKIE) is None, "looking at the form begins nothing"
    look(looker, order)
    for path in (f"/orders/{order.id}", "/history", "/account", "/", "/legal/terms", "/nowhere", "/staff/orders"):
        page = looker.client.get(path)
        assert BANNER in page.text, path
        assert email in page.text, path
        assert 'action="/staff/view-as/end"' in page.text, path
    assert "mine.csv" in looker.client.get("/history").text
    assert looker.client.get(f"/orders/{other.id}").status_code == 404
    assert "Back office" not in looker.client.get("/").text


def test_beginning_and_end_are_logged_with_the_reason(portal: Portal, looker: Member) -> None:
    order = make_order(portal)
    secret = look(looker, order)
    begun = next(e for e in log_of(portal, f"order:{order.id}") if e.action == "order.view_begin")
    assert (begun.member, begun.role, begun.reason) == (looker.email, "support", WHY)
    view = row_of(portal, secret)
    assert begun.data == {"until": view.ends_at.isoformat()}
    assert view.ends_at - view.begun_at == VIEW_LIFE == timedelta(minutes=60)
    answer = post(looker.client, "/staff/view-as/end")
    assert (answer.status_code, answer.location) == (303, f"/staff/orders/{order.id}")
    assert cookie(looker.client, VIEW_COOKIE) is None
    assert ends_of(portal, order) == [(looker.email, {"how": "button"})]
    assert not sees_as_customer(looker, order)
    set_cookie(looker.client, VIEW_COOKIE, secret)
    assert not sees_as_customer(looker, order), "an old cookie opens nothing"
    with portal.database.transaction() as session:
        kinds = select(AuditEntry.actor).where(AuditEntry.order_id == order.id, AuditEntry.kind == "staff.viewed_as")
        assert session.scalars(kinds).all() == [f"staff:{looker.email}"]
    assert order.email not in str([vars(entry) for entry in log_of(portal, f"order:{order.id}")])


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
def test_no_view_without_a_reason(portal: Portal, looker: Member, reason: str) -> None:
    order = make_order(portal)
    answer = post(looker.client, f"/staff/orders/{order.id}/view-as", reason=reason)
    assert answer.status_code == 422
    assert "Please give a reason." in answer.text
    assert cookie(looker.client, VIEW_COOKIE) is None
    assert not sees_as_customer(looker, order)


def test_a_view_needs_a_fresh_second_factor(portal: Portal, looker: Member) -> None:
    order = make_order(portal)
    path = f"/staff/orders/{order.id}/view-as"
    with time_machine.travel(system_clock() + STAFF_STEP_UP + timedelta(seconds=10)):
        for answer in (looker.client.get(path), post(looker.client, path, reason=WHY)):
            assert answer.location == f"/staff/login/code?next=staff_view_as.begin&order={order.id}&again=1"
        assert not sees_as_customer(looker, order)


def test_whose_data_was_deleted_can_t_be_seen_as(portal: Portal, looker: Member) -> None:
    order = make_order(portal)
    secret = look(looker, order)
    with portal.database.transaction() as session:
        session.get_one(Order, order.id).erased_at = portal.clock()
    assert BANNER not in looker.client.get("/").text
    assert looker.client.get("/staff/orders").status_code == 200
    assert post(looker.client, f"/staff/orders/{order.id}/view-as", reason=WHY).status_code == 409
    assert row_of(portal, secret).ended_at is None, "the job writes that down"


@pytest.fixture
def house(own_house: tuple[Portal, dict[str, str]]) -> tuple[Portal, Flask]:
    """Give a portal of its own, whose whole database can be compared."""
    return own_house[0], current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001


def test_only_looking_whatever_the_route(house: tuple[Portal, Flask]) -> None:
    """Every POST of the URL map but the two ways out, and every page that leads to a file: 403, and nothing changes."""
    portal, app = house
    cast = make_cast(portal)
    deliver(portal, cast)
    order = next(order for key, order in cast.orders.items() if key.startswith("open/delivered/paid"))
    who = member(portal, app, "admin")
    look(who, order)
    token = csrf_of(who.client.get("/login/code").text)
    values = {"order_id": order.id, "name": "result.zip", "filename": "dist/app.css", "token": "x" * 43}
    tables = tables_of(portal)
    before = snapshot(portal, tables)
    let_through = []
    for rule in rules(app, "POST"):
        if rule.endpoint in WAYS_OUT:
            continue
        headers = {"Origin": portal.settings.public_url, "Sec-Fetch-Site": "same-origin", "Content-Length": "0"}
        data = {"csrf_token": token, "reason": WHY, "email": order.email, "method": "card"}
        answer = who.client.post(address(rule, values), data=data, headers=headers)
        let_through += [] if answer.status_code == 403 else [f"POST {rule.rule}: {answer.status_code}"]
    for rule in rules(app, "GET"):
        if rule.endpoint in CLOSED:
            answer = who.client.get(address(rule, values))
            let_through += [] if answer.status_code == 403 else [f"GET {rule.rule}: {answer.status_code}"]
    assert let_through == []
    assert snapshot(portal, tables) == before
    refused = who.client.post("/account/sessions/end-all", data={"csrf_token": token})
    assert "You are only looking" in refused.text
    assert 'action="/staff/view-as/end"' in refused.text


def test_no_page_of_a_view_leads_to_a_file_or_an_upload(house: tuple[Portal, Flask]) -> None:
    """Every GET of the URL map while looking: no redirect to the object store, no signed form or address of it."""
    portal, app = house
    cast = make_cast(portal)
    deliver(portal, cast)
    found = []
    for kind in ("open/delivered/paid", "waiting/waiting/unpaid"):
        order = next(order for key, order in cast.orders.items() if key.startswith(kind))
        who = member(portal, app, "support")
        look(who, order)
        for name in ("result.zip", "report.html", "plot.png"):
            values = {"order_id": order.id, "name": name, "filename": "dist/app.css", "token": "x" * 43}
            for rule in rules(app, "GET"):
                answer = who.client.get(address(rule, values), buffered=True)
                store = portal.settings.object_store_origin
                if answer.headers.get("Location", "").startswith(store) or "X-Amz" in answer.text:
                    found.append(f"{kind}: {rule.rule}")
    assert found == []


def test_a_view_ends_after_sixty_minutes_though_the_member_goes_on(portal: Portal, looker: Member) -> None:
    order = make_order(portal)
    secret, now = look(looker, order), system_clock()
    for minutes, looking in ((20, True), (40, True), (59, True), (61, False)):
        with time_machine.travel(now + timedelta(minutes=minutes)):
            set_cookie(looker.client, VIEW_COOKIE, secret)  # a browser drops it by itself then
            assert sees_as_customer(looker, order) == looking, minutes
    close(row_of(portal, secret).id)
    close(row_of(portal, secret).id)
    assert ends_of(portal, order) == [(looker.email, {"how": "time"})]
    view = row_of(portal, secret)
    assert view.ended_at == view.ends_at


def test_a_view_ends_with_the_members_session(portal: Portal, app: Flask, looker: Member) -> None:
    order = make_order(portal)
    secret = look(looker, order)
    assert post(looker.client, "/logout").status_code == 303
    assert looker.client.get(f"/orders/{order.id}").status_code == 404
    with portal.database.transaction() as session:
        assert session.get_one(LoginSession, looker.session_id).ended_at is not None
    again = member(portal, app, email=looker.email)
    set_cookie(again.client, VIEW_COOKIE, secret)
    assert not sees_as_customer(again, order), "a new session of the same member"
    close(row_of(portal, secret).id)
    assert ends_of(portal, order) == [(looker.email, {"how": "logged out"})]


def test_a_view_ends_when_the_members_role_changes(portal: Portal, looker: Member) -> None:
    order = make_order(portal)
    secret = look(looker, order)
    with portal.database.transaction() as session:
        change_role(session, looker.email, "viewer", portal.clock())
    assert not sees_as_customer(looker, order)
    close(row_of(portal, secret).id)
    assert ends_of(portal, order) == [("command line", {"how": "role changed", "of": looker.email})]
    assert looker.client.get(f"/staff/orders/{order.id}/view-as").status_code == 403


def test_the_cookie_of_a_view_is_nothing_by_itself(portal: Portal, app: Flask, looker: Member, email: str) -> None:
    """Neither for a stranger, nor for a customer, nor for another member of staff."""
    order = make_order(portal)
    secret = look(looker, order)
    customer = browser_of(app)
    log_in(customer, portal, email)
    for client in (browser_of(app), customer, member(portal, app, "admin").client):
        set_cookie(client, VIEW_COOKIE, secret)
        assert client.get(f"/orders/{order.id}").status_code == 404
        assert BANNER not in client.get("/?lang=en").text


def test_what_is_left_open_is_closed_by_a_job_after_the_hour(portal: Portal, looker: Member) -> None:
    order = make_order(portal)
    secret = look(looker, order)
    key = f"staff.view_over:{row_of(portal, secret).id}"
    assert [job.status for job in portal.jobs.client.list_workflows(workflow_ids=[key])] == ["DELAYED"]
