"""The search of the list of orders: pieces of all that staff may hold in hand, on both databases."""

import unicodedata
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, select, text, update

from app.kit.ids import new_id
from app.models import Order, OrderWords, Payment, Refund, StripeEvent
from app.portal import Portal
from app.staff.listing import reading
from app.staff.listing.asked import Asked
from app.staff.listing.pages import page_of
from app.staff.listing.reading import PAGE
from tests.helpers import make_order, make_payment
from tests.history.people import log_in
from tests.staff.lists import found
from tests.staff.test_orders import LONG_AGO


@pytest.fixture
def staff(portal: Portal, client: FlaskClient) -> FlaskClient:
    """Give a browser in which a member of staff is logged in."""
    return log_in(portal, client, f"staff-{new_id()}@kaiseki.example", staff=True)


def test_an_order_is_found_by_every_id_of_stripes(portal: Portal, staff: FlaskClient, email: str) -> None:
    order = make_order(portal, email=email)
    mark = new_id().replace("-", "")
    payment = make_payment(
        portal, order, session_id=f"cs_test_{mark}", payment_intent_id=f"pi_{mark}", customer_id=f"cus_{mark}"
    )
    with portal.database.transaction() as session:
        for kind in ("re", "pyr"):
            session.add(
                Refund(id=f"{kind}_{mark}", payment_id=payment.id, amount=1, state="pending", created_at=portal.clock())
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
    for word in ("cs_test_", "pi_", "cus_", "re_", "pyr_", "evt_session_", "evt_charge_"):
        assert found(staff, q=f"{word}{mark}") == [order.id[:8]], word


def test_any_piece_of_an_order_id_finds_it(portal: Portal, staff: FlaskClient) -> None:
    """Its beginning, its middle, its end; with the dashes or without; in capitals as well."""
    order = make_order(portal)
    digits = order.id.replace("-", "")
    for piece in (order.id, order.id[:6], order.id[5:16], order.id[-9:], digits[:11].upper(), digits[9:24], digits):
        assert found(staff, q=f" {piece} ")[:1] == [order.id[:8]], piece
    assert found(staff, q=order.id[5:30]) == [order.id[:8]]


def test_a_piece_of_address_or_file_name_finds_it(portal: Portal, staff: FlaskClient) -> None:
    mark = new_id()[:13]
    order = make_order(portal, email=f"hanako.{mark}@example.co.jp", filename=f"売上 2026年{mark}_最終版.CSV")
    other = make_order(portal, email=f"taro.{mark}@example.co", filename="報告.csv", created_at=LONG_AGO)
    for piece in (
        f"hanako.{mark}@",
        f"{mark}@example.co.jp",
        f"HANAKO.{mark.upper()}@EXAMPLE.CO.JP",
        f"年{mark}",
        unicodedata.normalize("NFD", f"年{mark} 売上"),
        f"{mark}_最終版.csv",
        f"最終 hanako {mark}",
    ):
        assert found(staff, q=piece) == [order.id[:8]], piece
    assert found(staff, q=mark) == [order.id[:8], other.id[:8]]
    assert found(staff, q=f"taro.{mark}@example.co") == [other.id[:8]]
    assert found(staff, q=f"最終 taro {mark}") == []


def test_two_characters_are_enough_where_they_are_japanese(portal: Portal, staff: FlaskClient) -> None:
    """Words of a language without spaces are that short: no index of three characters finds them."""
    order = make_order(portal, filename="鮒寿司.csv")
    make_order(portal, filename="鮒の話.csv")
    assert found(staff, q="寿司") == [order.id[:8]]
    assert found(staff, q="鮒寿") == [order.id[:8]]
    assert found(staff, q="寿鮒") == []


def test_the_numbers_of_a_voucher_find_its_order(portal: Portal, staff: FlaskClient) -> None:
    """As they come, and as they go again."""
    order = make_order(portal, state="analysed")
    number, code = (str(int(new_id()[:12].replace("-", ""), 16))[-11:].zfill(11) for _ in range(2))
    payment = make_payment(portal, order, method="konbini", state="awaiting")
    assert found(staff, q=number) == []
    stores = {"lawson": {"confirmation_number": number, "payment_code": code}, "seicomart": None}
    with portal.database.transaction() as session:
        session.get_one(Payment, payment.id).voucher = {"stores": stores, "hosted_url": "https://example.jp/v"}
    assert found(staff, q=number) == found(staff, q=code) == found(staff, q=number[3:]) == [order.id[:8]]
    with portal.database.transaction() as session:
        session.get_one(Payment, payment.id).voucher = None
    assert found(staff, q=number) == []


def test_what_is_found_follows_the_order(portal: Portal, staff: FlaskClient) -> None:
    """A changed address, a new name, an order that goes: the old words find nothing, and are nowhere."""
    old, new = (f"{name}.{new_id()[:13]}@example.jp" for name in ("old", "new"))
    order = make_order(portal, email=old)
    with portal.database.transaction() as session:
        session.execute(update(Order).where(Order.id == order.id).values(email=new))
    assert found(staff, q=old[4:]) == []
    assert found(staff, q=new[4:]) == [order.id[:8]]
    with portal.database.transaction() as session:
        session.get_one(Order, order.id).filename = "名前なし.csv"
    assert found(staff, q=f"名前 {new}") == [order.id[:8]]
    with portal.database.transaction() as session:
        session.execute(delete(Order).where(Order.id == order.id))
        assert session.scalar(select(OrderWords).where(OrderWords.order_id == order.id)) is None
    assert found(staff, q=new[4:]) == []


def test_the_index_of_sqlite_is_whole(portal: Portal, backend: str) -> None:
    """FTS5's own check: nothing in the index that is not in the table, and the other way round."""
    if backend != "sqlite":
        return
    with portal.database.transaction() as session:
        session.execute(text("INSERT INTO order_pieces (order_pieces, rank) VALUES ('integrity-check', 1)"))


@pytest.mark.parametrize("sort", ["", "oldest", "dearest", "paid"])
def test_common_and_rare_words_go_on_over_pages(portal: Portal, monkeypatch: pytest.MonkeyPatch, sort: str) -> None:
    """Whether the first are looked through, the index is read, or it has too many: the orders are the same, both ways.

    They lie in several periods of the index, and a filter leaves some of them out.
    """
    mark = new_id()[:13]
    days = [LONG_AGO + timedelta(days=10 * number) for number in range(PAGE + 5)]
    orders = [make_order(portal, filename=f"{mark}.csv", created_at=day, paid_at=day, state="failed") for day in days]
    make_order(portal, filename=f"{mark}.csv", created_at=days[9], paid_at=days[9], state="delivered")
    ids = [order.id for order in (orders if sort == "oldest" else reversed(orders))]
    ways = []
    for looked_through, most_hits in ((10**6, 5000), (0, 5000), (0, 10)):
        monkeypatch.setattr(reading, "LOOKED_THROUGH", looked_through)
        monkeypatch.setattr(reading, "MOST_HITS", most_hits)
        asked = Asked(q=mark, state="failed", sort=sort)
        with portal.database.transaction() as session:
            first = page_of(session, asked)
            second = page_of(session, replace(asked, after=first.older))
            again = page_of(session, replace(asked, before=second.newer))
        assert [order.id for page in (first, second) for order in page.orders] == ids
        assert [order.id for order in again.orders] == ids[:PAGE]
        assert first.total is not None
        ways.append((first.total.kind, first.total.count))
    assert ways == [("over", PAGE), ("exactly", PAGE + 5), ("exactly", PAGE + 5)]


@pytest.mark.parametrize(
    "word", ["zzzqqq", "売", "pi_nothing0", "evt_nothing0", "%@%", "a\0b", "_@_", "' OR 1=1 --@", '"売上" OR', "ab"]
)
def test_a_search_that_finds_nothing_says_so(staff: FlaskClient, word: str) -> None:
    assert found(staff, q=word) == []
    assert "Show all orders" in staff.get(f"/staff/orders?{urlencode({'q': word, 'lang': 'en'})}").text


def test_what_is_too_short_to_search_for_is_said(staff: FlaskClient) -> None:
    assert "3 characters or more" in staff.get("/staff/orders?q=ab&lang=en").text.split('id="found"')[1]
    assert "No order matches" in staff.get("/staff/orders?q=zzzqqq&lang=en").text
