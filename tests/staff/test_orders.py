"""The list of orders in the back office: pages, filters, sorts, how many there are, on both databases."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.kit.ids import new_id
from app.models import Order
from app.portal import Portal
from app.staff.listing.asked import Asked
from app.staff.listing.pages import Page, page_of
from app.staff.listing.reading import PAGE
from app.staff.listing.sorts import SORTS
from app.staff.listing.total import COUNTED, Total
from tests.helpers import make_order, make_payment
from tests.history.people import log_in
from tests.staff.lists import found, shown

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
CROWD = 125
SOMETHING = "0f58c483-61d8-418d-b6b5-5326d28a78ac"


@pytest.fixture
def staff(portal: Portal, client: FlaskClient) -> FlaskClient:
    """Give a browser in which a member of staff is logged in."""
    return log_in(portal, client, f"staff-{new_id()}@kaiseki.example", staff=True)


@pytest.fixture
def crowd(portal: Portal) -> tuple[str, list[Order]]:
    """Give 125 orders of one address, newest first; three at a time were made in the same moment, prices repeat."""
    email = f"crowd@{new_id()[:13]}.example"
    with portal.database.transaction() as session:
        made = [
            Order(
                id=new_id(), product="csv-profile", email=email, locale="ja", charge="after_analysis",
                price=200 + number % 7 * 100, state="analysed", money="unpaid", filename="f.csv", grant=new_id(),
                created_at=LONG_AGO + timedelta(microseconds=number // 3),
                paid_at=LONG_AGO + timedelta(seconds=-number // 2) if number % 2 else None,
            )
            for number in range(CROWD)
        ]  # fmt: skip
        session.add_all(made)
    return email, sorted(made, key=lambda order: (order.created_at, order.id), reverse=True)


def read(portal: Portal, **asked: Any) -> Page:
    with portal.database.transaction() as session:
        return page_of(session, Asked(**asked))


def walk(portal: Portal, **asked: Any) -> list[str]:
    """Go through all pages, then back to the first; return the OrderIDs in the order of the way there."""
    pages = [read(portal, **asked)]
    while pages[-1].older:
        pages.append(read(portal, **asked, after=pages[-1].older))
    assert pages[0].newer == ""
    for before, page in pairwise(pages):
        back = read(portal, **asked, before=page.newer)
        assert [order.id for order in back.orders] == [order.id for order in before.orders]
    assert {len(page.orders) for page in pages[:-1]} <= {PAGE}
    return [order.id for page in pages for order in page.orders]


def test_pages_go_both_ways_without_gap_or_repeat(portal: Portal, crowd: tuple[str, list[Order]]) -> None:
    """Also where many orders have the same time; an order that comes in between moves nothing."""
    email, expected = crowd
    assert walk(portal, q=email) == [order.id for order in expected]
    first = read(portal, q=email)
    make_order(portal, email=email)
    second = read(portal, q=email, after=first.older)
    assert [order.id for order in second.orders] == [order.id for order in expected[PAGE : 2 * PAGE]]


@pytest.mark.parametrize("sort", SORTS)
def test_every_sort_goes_both_ways(portal: Portal, crowd: tuple[str, list[Order]], sort: str) -> None:
    email, orders = crowd
    among = [order for order in orders if order.paid_at] if sort == "paid" else orders
    columns = [column.key for column in SORTS[sort].columns]
    expected = sorted(
        among, key=lambda order: [getattr(order, key) for key in columns], reverse=SORTS[sort].greatest_first
    )
    assert walk(portal, q=email, sort=sort) == [order.id for order in expected]


@pytest.mark.parametrize("sort", ["", "oldest", "cheapest"])
def test_an_amount_is_a_range_in_every_sort(portal: Portal, crowd: tuple[str, list[Order]], sort: str) -> None:
    email, orders = crowd
    ids = walk(portal, q=email, least="300", most="500", sort=sort)
    assert set(ids) == {order.id for order in orders if 300 <= order.price <= 500}
    assert len(ids) == len(set(ids))
    if sort != "cheapest":
        places = [[order.id for order in orders].index(name) for name in ids]
        assert places == sorted(places, reverse=sort == "oldest")


def test_prices_are_many_or_none(portal: Portal, email: str) -> None:
    """Where a range holds more prices than are read one by one, the orders are the same."""
    with portal.database.transaction() as session:
        session.add_all(
            Order(
                id=new_id(), product="csv-profile", email=email, locale="ja", charge="after_analysis", price=price,
                state="analysed", money="unpaid", filename="f.csv", grant=new_id(), created_at=LONG_AGO,
            )
            for price in range(710_000, 710_120)
        )  # fmt: skip
    assert len(walk(portal, least="710000", most="710119")) == 120
    assert len(walk(portal, least="710005", most="710014")) == 10
    assert walk(portal, least="720000", most="720001") == []


def test_the_links_of_the_page_keep_search_filters_and_sort(staff: FlaskClient, crowd: tuple[str, list[Order]]) -> None:
    email, expected = crowd
    page = staff.get(f"/staff/orders?q={email}&state=analysed&sort=oldest&lang=en").text
    older = re.search(r'rel="next" href="([^"]+)"', page)
    assert older is not None
    address = older[1].replace("&amp;", "&")
    assert "state=analysed" in address
    assert "sort=oldest" in address
    expected_ids = [order.id[:8] for order in reversed(expected)]
    assert shown(staff.get(address).text) == expected_ids[PAGE : 2 * PAGE]


@pytest.mark.parametrize(
    ("sort", "place"),
    [
        ("", "x"),
        ("", "20260101T000000.000000_"),
        ("", "20261301T000000.000000_" + "0" * 36),
        ("", "\0"),
        ("dearest", f"20260101T000000.000000_{SOMETHING}"),
        ("dearest", f"{2**40}_20260101T000000.000000_{SOMETHING}"),
        ("cheapest", f"-1_20260101T000000.000000_{SOMETHING}"),
    ],
)
def test_a_place_that_is_not_ours_is_refused(staff: FlaskClient, sort: str, place: str) -> None:
    assert staff.get(f"/staff/orders?{urlencode({'after': place, 'sort': sort})}").status_code == 422


def test_filters_narrow_and_combine(portal: Portal, staff: FlaskClient) -> None:
    q = f"m@{new_id()[:13]}.example"
    paid = make_order(portal, email=q, state="delivered", money="paid", price=900)
    make_payment(portal, paid, method="card", state="expired", created_at=LONG_AGO)
    make_payment(portal, paid, method="konbini", state="paid")
    made = make_order(portal, email=q, state="analysed", product="quick-look")
    make_payment(portal, made, method="card")
    bare = make_order(portal, email=q, state="failed", attention="double_payment", created_at=LONG_AGO)
    assert found(staff, q=q) == [made.id[:8], paid.id[:8], bare.id[:8]]
    assert found(staff, q=q, state="failed") == [bare.id[:8]]
    assert found(staff, q=q, money="paid") == [paid.id[:8]]
    assert found(staff, q=q, product="quick-look") == [made.id[:8]]
    assert found(staff, q=q, method="card") == [made.id[:8]], "the last attempt counts"
    assert found(staff, q=q, method="konbini") == [paid.id[:8]]
    assert found(staff, q=q, method="konbini", state="analysed") == []
    assert found(staff, q=q, attention="1") == [bare.id[:8]]
    assert found(staff, q=q, most="900") == [paid.id[:8]]
    assert found(staff, q=q, least="901") == [made.id[:8], bare.id[:8]]
    page = staff.get(f"/staff/orders?{urlencode({'q': q, 'lang': 'en'})}").text
    assert page.count('<span class="badge error">Needs attention') == 1


def test_days_are_japans_and_both_are_in(portal: Portal, staff: FlaskClient) -> None:
    q = f"d@{new_id()[:13]}.example"
    moments = ["2020-03-31T14:59:59", "2020-03-31T15:00:00", "2020-04-01T14:59:59", "2020-04-01T15:00:00"]
    orders = [make_order(portal, email=q, created_at=datetime.fromisoformat(f"{at}+00:00")) for at in moments]
    short = [order.id[:8] for order in orders]
    assert found(staff, q=q, since="2020-04-01", until="2020-04-01") == [short[2], short[1]]
    assert found(staff, q=q, since="2020-04-02") == [short[3]]
    assert found(staff, q=q, until="2020-03-31") == [short[0]]


@pytest.mark.parametrize(
    "asked",
    [
        {"state": "x"}, {"money": "0"}, {"method": "cash"}, {"product": "x"}, {"q": "x" * 301}, {"sort": "email"},
        {"since": "2026-13-01"}, {"until": "0001-01-01"}, {"least": "-1"}, {"most": "9" * 10}, {"attention": "2"},
    ],
)  # fmt: skip
def test_ac_s07_a_value_that_no_filter_has_is_refused(staff: FlaskClient, asked: dict[str, str]) -> None:
    """Parameters come from lists."""
    assert staff.get(f"/staff/orders?{urlencode(asked)}").status_code == 422


def test_ac_s07_parameters_that_nobody_knows_change_nothing(staff: FlaskClient) -> None:
    assert staff.get("/staff/orders?limit=100000&order_by=email").status_code == 200


def test_few_are_counted_and_many_are_guessed(portal: Portal, backend: str) -> None:
    price = 730_000
    with portal.database.transaction() as session:
        session.add_all(
            Order(
                id=new_id(), product="csv-profile", email="many@example.jp", locale="ja", charge="after_analysis",
                price=price + (number >= COUNTED), state="analysed", money="unpaid", filename="f.csv", grant=new_id(),
                created_at=LONG_AGO,
            )
            for number in range(3 * COUNTED)
        )  # fmt: skip
        session.execute(text("ANALYZE"))
    assert read(portal, least="740000").total == Total(0)
    assert read(portal, least=str(price), most=str(price)).total == Total(COUNTED)
    guess = read(portal, least=str(price)).total
    assert guess is not None
    if backend == "sqlite":
        assert guess == Total(COUNTED, "over")
    else:
        assert guess.kind == "about"
        assert 2 * COUNTED < guess.count < 4 * COUNTED
    with portal.database.transaction() as session:
        session.execute(text("DELETE FROM orders WHERE email = 'many@example.jp'"))


@pytest.mark.parametrize(
    "address", ["/staff", "/staff/orders", f"/staff/orders/{new_id()}"], ids=["door", "list", "order"]
)
def test_for_everybody_else_the_back_office_does_not_exist(
    portal: Portal, client: FlaskClient, email: str, address: str
) -> None:
    assert client.get(address).status_code == 404
    assert log_in(portal, client, email).get(address).status_code == 404


def test_the_door_leads_to_the_orders(staff: FlaskClient) -> None:
    answer = staff.get("/staff")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/staff/orders")


def test_the_way_between_the_rooms_shows_only_what_the_role_may_enter(staff: FlaskClient) -> None:
    page = staff.get("/staff/orders?lang=en").text
    rooms = re.search(r'<nav class="rooms".*?</nav>', page, re.DOTALL)
    assert rooms is not None
    assert 'aria-current="page">Orders</a>' in rooms[0]
    assert "/staff/events" in rooms[0]
    assert "/staff/people" not in rooms[0], "a supporter is no admin"
