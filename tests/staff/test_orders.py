"""The list of orders in the back office: pages, search, filters, on both databases."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient

from app.kit.ids import new_id
from app.models import Order, Refund, StripeEvent
from app.portal import Portal
from app.staff.service import PAGE, Asked, page_of
from tests.helpers import make_order, make_payment
from tests.history.people import log_in

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def staff(portal: Portal, client: FlaskClient) -> FlaskClient:
    """Give a browser in which a member of staff is logged in."""
    return log_in(portal, client, f"staff-{new_id()}@kaiseki.example", staff=True)


@pytest.fixture
def crowd(portal: Portal) -> tuple[str, list[Order]]:
    """Give 125 orders of one domain, newest first; three at a time were made in the same moment."""
    domain = f"{new_id()[:13]}.example"
    with portal.database.transaction() as session:
        made = [
            Order(
                id=new_id(), product="csv-profile", email=f"crowd@{domain}", locale="ja",
                charge="after_analysis",
                price=1500, state="analysed", money="unpaid", filename="f.csv", grant=new_id(),
                created_at=LONG_AGO + timedelta(microseconds=number // 3),
            )
            for number in range(125)
        ]  # fmt: skip
        session.add_all(made)
    return domain, sorted(made, key=lambda order: (order.created_at, order.id), reverse=True)


def found(client: FlaskClient, **asked: str) -> list[str]:
    """Return the short ids that the list shows for a search."""
    answer = client.get(f"/staff/orders?{urlencode(asked | {'lang': 'en'})}")
    assert answer.status_code == 200, answer.text
    return re.findall(r'class="code">([0-9a-f]{8})</a>', answer.text)


def test_pages_go_both_ways_without_gap_or_repeat(portal: Portal, crowd: tuple[str, list[Order]]) -> None:
    """Also where many orders have the same time; an order that comes in between moves nothing."""
    domain, expected = crowd
    asked: dict[str, Any] = {"q": f"crowd@{domain}"}

    def read(**cursor: str) -> Any:
        with portal.database.transaction() as session:
            return page_of(session, Asked(**asked, **cursor))

    first = read()
    second = read(after=first.older)
    third = read(after=second.older)
    assert [len(p.orders) for p in (first, second, third)] == [PAGE, PAGE, 25]
    ids = [order.id for p in (first, second, third) for order in p.orders]
    assert ids == [order.id for order in expected]
    assert (first.newer, third.older) == ("", "")
    make_order(portal, email=f"crowd@{domain}")
    back = read(before=third.newer)
    assert [o.id for o in back.orders] == [o.id for o in second.orders]
    assert [o.id for o in read(before=back.newer).orders] == [o.id for o in first.orders]


def test_the_links_of_the_page_keep_search_and_filters(staff: FlaskClient, crowd: tuple[str, list[Order]]) -> None:
    domain, expected = crowd
    text = staff.get(f"/staff/orders?q=crowd@{domain}&state=analysed&lang=en").text
    older = re.search(r'rel="next" href="([^"]+)"', text)
    assert older is not None
    address = older[1].replace("&amp;", "&")
    assert "state=analysed" in address
    shown = re.findall(r'class="code">([0-9a-f]{8})</a>', staff.get(address).text)
    assert shown == [order.id[:8] for order in expected[PAGE : 2 * PAGE]]


@pytest.mark.parametrize("cursor", ["x", "20260101T000000.000000_", "20261301T000000.000000_" + "0" * 36, "\0"])
def test_a_cursor_that_is_not_ours_is_refused(staff: FlaskClient, cursor: str) -> None:
    assert staff.get(f"/staff/orders?{urlencode({'after': cursor})}").status_code == 422


def test_an_order_is_found_by_all_that_staff_may_hold_in_hand(portal: Portal, staff: FlaskClient, email: str) -> None:
    order = make_order(portal, email=email)
    mark = new_id().replace("-", "")
    payment = make_payment(
        portal, order, session_id=f"cs_test_{mark}", payment_intent_id=f"pi_{mark}", customer_id=f"cus_{mark}"
    )
    with portal.database.transaction() as session:
        session.add(
            Refund(id=f"re_{mark}", payment_id=payment.id, amount=1, state="pending", created_at=portal.clock())
        )
        for name, thing, payload in (
            ("session", f"cs_test_{mark}", None),
            ("charge", f"ch_{mark}", f'{{"data": {{"object": {{"payment_intent": "pi_{mark}"}}}}}}'),
        ):
            session.add(
                StripeEvent(
                    id=f"evt_{name}_{mark}", type="t", object_id=thing, payload=payload, state="done",
                    received_at=portal.clock(),
                )
            )  # fmt: skip
    words = [
        order.id,
        order.id[:6],
        order.id[:13],
        order.id.replace("-", "")[:11].upper(),
        email,
        f"  {email.upper()} ",
        email.split(".", maxsplit=1)[0],
        f"cs_test_{mark}",
        f"pi_{mark}",
        f"cus_{mark}",
        f"re_{mark}",
        f"evt_session_{mark}",
        f"evt_charge_{mark}",
    ]
    for word in words:
        assert order.id[:8] in found(staff, q=word), word
    for word in [order.id, email, f"pi_{mark}", f"evt_charge_{mark}"]:
        assert found(staff, q=word) == [order.id[:8]], word


@pytest.mark.parametrize("word", ["12345", "売上", "pi_nothing", "evt_nothing", "%@%", "a\0@b", "_@", "' OR 1=1 --@"])
def test_a_search_that_finds_nothing_says_so(staff: FlaskClient, word: str) -> None:
    assert found(staff, q=word) == []
    assert "Show all orders" in staff.get(f"/staff/orders?{urlencode({'q': word, 'lang': 'en'})}").text


def test_filters_narrow_and_combine(portal: Portal, staff: FlaskClient) -> None:
    domain = f"@{new_id()[:13]}.example"
    paid = make_order(portal, email=f"m{domain}", state="delivered", money="paid")
    make_payment(portal, paid, method="konbini", state="paid")
    made = make_order(portal, email=f"m{domain}", state="analysed")
    make_payment(portal, made, method="card")
    bare = make_order(portal, email=f"m{domain}", state="failed", attention="double_payment")
    q = f"m{domain}"
    assert found(staff, q=q) == [bare.id[:8], made.id[:8], paid.id[:8]]
    assert found(staff, q=q, state="failed") == [bare.id[:8]]
    assert found(staff, q=q, money="paid") == [paid.id[:8]]
    assert found(staff, q=q, method="card") == [made.id[:8]]
    assert found(staff, q=q, method="konbini", state="analysed") == []
    text = staff.get(f"/staff/orders?{urlencode({'q': q, 'lang': 'en'})}").text
    assert text.count("Needs attention") == 1


@pytest.mark.parametrize("asked", [{"state": "x"}, {"money": "0"}, {"method": "cash"}, {"q": "x" * 301}])
def test_a_value_that_no_filter_has_is_refused(staff: FlaskClient, asked: dict[str, str]) -> None:
    """AC-S07: parameters come from lists."""
    assert staff.get(f"/staff/orders?{urlencode(asked)}").status_code == 422


def test_parameters_that_nobody_knows_change_nothing(staff: FlaskClient) -> None:
    assert staff.get("/staff/orders?sort=email&limit=100000").status_code == 200


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
