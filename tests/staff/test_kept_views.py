"""Views of the list that members of staff keep for themselves."""

from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.kit.ids import new_id
from app.portal import Portal
from app.staff.listing.saved import MOST
from tests.cast import browser_of
from tests.history.people import log_in
from tests.login.steps import post

VIEWS = "/staff/orders/views"


@pytest.fixture
def staff(portal: Portal, client: FlaskClient) -> FlaskClient:
    """Give a browser in which a member of staff is logged in."""
    return log_in(portal, client, f"staff-{new_id()}@kaiseki.example", staff=True)


def keep(client: FlaskClient, name: str, **asked: str) -> int:
    return post(client, VIEWS, name=name, **asked).status_code


def test_a_view_is_kept_shown_replaced_and_forgotten(staff: FlaskClient) -> None:
    answer = post(staff, VIEWS, name=" 未払い ", money="unpaid", q="売上", after="x", x="y")
    query = urlencode({"q": "売上", "money": "unpaid"})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/staff/orders?{query}")
    for page in ("/staff/orders", VIEWS):
        text = staff.get(page).text
        assert f'<a href="/staff/orders?{query.replace("&", "&amp;")}">未払い</a>' in text, page
    assert keep(staff, "未払い", state="failed") == 303
    text = staff.get(VIEWS).text
    assert "/staff/orders?state=failed" in text
    assert query.replace("&", "&amp;") not in text
    assert post(staff, f"{VIEWS}/forget", name="未払い").status_code == 303
    assert "未払い" not in staff.get(VIEWS).text


def test_nobody_else_sees_it(portal: Portal, app: Flask, staff: FlaskClient) -> None:
    assert keep(staff, "mine-alone", state="failed") == 303
    other = log_in(portal, browser_of(app), f"staff-{new_id()}@kaiseki.example", staff=True)
    assert "mine-alone" not in other.get("/staff/orders").text
    post(other, f"{VIEWS}/forget", name="mine-alone")
    assert "mine-alone" in staff.get("/staff/orders").text


def test_what_can_not_be_kept_is_refused(staff: FlaskClient) -> None:
    assert keep(staff, "") == 422
    assert keep(staff, "x" * 61) == 422
    assert keep(staff, "a\nb") == 422
    assert keep(staff, "x", state="nowhere") == 422
    assert keep(staff, "x", q="売" * 300) == 422
    assert [keep(staff, f"view {number}") for number in range(MOST)] == [303] * MOST
    assert keep(staff, "one too many") == 409
    assert keep(staff, "view 1", state="failed") == 303, "in place of another one"
