"""The numbers of the back office: each sum by hand, days of Japan, both databases; and the page in words."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask, current_app
from flask.testing import FlaskClient
from sqlalchemy import event

from app.checkout.fees import MARK
from app.errors import BadInputError
from app.kit.clock import JST
from app.kit.ids import new_id
from app.models import AuditEntry, BalanceTransaction, Mark, Order, Payment, Refund, Run
from app.portal import EXTENSION, Portal
from app.staff.numbers.fees import by_method, fees, other_costs
from app.staff.numbers.money import refunds, sales, vouchers
from app.staff.numbers.period import LONGEST, Period, last_days, period_of
from app.staff.numbers.work import analyses, funnel
from tests.helpers import make_order, make_payment
from tests.staff.desk import member

FIRST, LAST = date(2026, 11, 1), date(2026, 11, 30)
NOVEMBER = Period(FIRST, LAST)


def jst(day: int, hour: int = 12, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=JST)


@pytest.fixture
def house(own_house: tuple[Portal, dict[str, str]]) -> Iterator[Portal]:
    """Give a portal of its own, at the end of November: its numbers are those of the test alone."""
    portal = replace(own_house[0], clock=lambda: jst(30, 18).astimezone(UTC))
    current_app.extensions[EXTENSION] = portal
    yield portal
    current_app.extensions[EXTENSION] = own_house[0]


def sell(
    portal: Portal, at: datetime, method: str = "card", *, product: str = "csv-profile", price: int = 1500,
    handling: int = 0, fee: int | None = None, **columns: Any,
) -> tuple[Order, Payment]:  # fmt: skip
    """Store an order that was paid at a moment, and what Stripe kept of it where that is known."""
    order = make_order(portal, product=product, price=price, created_at=at, paid_at=at, money="paid")
    values = {"state": "paid", "created_at": at, **columns}
    payment = make_payment(
        portal, order, method=method, handling=handling, amount=price + handling, paid_at=at, **values
    )
    if fee is not None:
        book(portal, payment, at, "charge" if method == "card" else "payment", payment.amount, fee)
    return order, payment


def book(portal: Portal, payment: Payment, at: datetime, type_: str, amount: int, fee: int) -> None:
    """Store a balance transaction."""
    row = BalanceTransaction(
        id=f"txn_{new_id()}", payment_id=payment.id, type=type_, amount=amount, fee=fee, net=amount - fee, created_at=at
    )
    with portal.database.transaction() as session:
        session.add(row)


def give_back(portal: Portal, payment: Payment, at: datetime, amount: int, state: str = "succeeded") -> None:
    """Store a refund."""
    with portal.database.transaction() as session:
        session.add(Refund(id=f"re_{new_id()}", payment_id=payment.id, amount=amount, state=state, created_at=at))


def test_sales_by_day_and_method(house: Portal) -> None:
    """A day begins at midnight in Japan, 15:00 UTC of the day before."""
    sell(house, jst(1, 0, 0))
    sell(house, jst(1, 23, 59), "konbini", handling=120)
    sell(house, jst(1, 23, 59), "konbini", price=200, handling=120, state="refunded")
    sell(house, jst(30, 23, 59), price=800)
    sell(house, jst(31, 23, 59, month=10))
    sell(house, jst(1, 0, 0, month=12))
    make_payment(house, make_order(house), created_at=jst(2))  # never paid
    with house.database.transaction() as session:
        found = sales(session, NOVEMBER)
    assert {key: (sums.yen, sums.count) for key, sums in found.by_day.items()} == {
        (FIRST, "card"): (1500, 1),
        (FIRST, "konbini"): (1940, 2),
        (LAST, "card"): (800, 1),
    }
    assert {key: sums.yen for key, sums in found.by_method.items()} == {"card": 2300, "konbini": 1940}
    assert (found.total.yen, found.total.count) == (4240, 4)


def test_true_fees_beside_the_catalogs(house: Portal) -> None:
    for _ in range(2):
        sell(house, jst(3), fee=54)
    sell(house, jst(3), fee=60)  # a foreign card, perhaps
    sell(house, jst(4))  # Stripe has not told yet
    sell(house, jst(5), "konbini", product="quick-look", price=200, handling=120, fee=120)
    sell(house, jst(5), "konbini", product="gone", price=1000, handling=120, fee=120)
    sell(house, jst(6), "bank_transfer", price=1000)
    catalog = house.catalog
    with house.database.transaction() as session:
        lines = {(line.product, line.method): line for line in fees(session, catalog, NOVEMBER)}
        totals = {line.method: line for line in by_method(list(lines.values()))}
    card, konbini = catalog.methods
    csv = lines["csv-profile", "card"]
    assert (csv.payments, csv.known, csv.price, csv.fee, csv.assumed) == (4, 3, 4500, 168, 162)
    assert (csv.share, csv.assumed_share) == (Decimal(168) / 4500, Decimal(162) / 4500)
    assert csv.verdict(card) == "ok"
    small = lines["quick-look", "konbini"]
    assert (small.share, small.assumed_share, small.verdict(konbini)) == (Decimal("0.6"), Decimal("0.6"), "eats")
    assert lines["gone", "konbini"].verdict(konbini) == "warn"
    unsold = lines["csv-profile", "konbini"]
    assert (unsold.payments, unsold.share, unsold.assumed_share) == (0, None, Decimal("0.08"))
    assert unsold.verdict(konbini) == "warn"
    transfer = lines["csv-profile", "bank_transfer"]
    assert (transfer.payments, transfer.share, transfer.assumed_share, transfer.verdict(None)) == (1, None, None, "ok")
    assert len(lines) == len(catalog.products) * len(catalog.methods) + 2
    assert {key: (line.payments, line.fee) for key, line in totals.items()} == {
        "card": (4, 168), "konbini": (2, 240), "bank_transfer": (1, 0),
    }  # fmt: skip
    assert totals["card"].assumed_share == Decimal(162) / 4500


def test_a_refund_counts_for_what_it_costs_not_for_the_payments_share(house: Portal) -> None:
    _, payment = sell(house, jst(3), fee=54)
    book(house, payment, jst(4), "refund", -1500, 0)
    book(house, payment, jst(5), "adjustment", -1500, 1500)
    book(house, payment, jst(5, month=12), "adjustment", 1500, 0)
    with house.database.transaction() as session:
        line = next(line for line in fees(session, house.catalog, NOVEMBER) if line.payments)
        costs = {cost.type: (cost.count, cost.fee) for cost in other_costs(session, NOVEMBER)}
    assert (line.payments, line.known, line.fee) == (1, 1, 54)
    assert costs == {"adjustment": (1, 1500), "refund": (1, 0)}


def test_vouchers(house: Portal) -> None:
    deadline = jst(20)
    paid_after = {"paid": 30, "refunded": 0, "partly_refunded": 30, "awaiting": None, "expired": None, "failed": None}
    for state, minutes in paid_after.items():
        make_payment(
            house, make_order(house), method="konbini", state=state, created_at=jst(10), voucher_expires_at=deadline,
            paid_at=None if minutes is None else jst(10, 12, minutes),
        )  # fmt: skip
    make_payment(house, make_order(house), method="konbini", state="expired", created_at=jst(10))  # none was issued
    outside = {"method": "konbini", "state": "paid", "voucher_expires_at": deadline}
    make_payment(house, make_order(house), created_at=jst(31, month=10), paid_at=jst(2), **outside)
    make_payment(house, make_order(house), created_at=jst(30, 23), paid_at=jst(2, month=12), **outside)
    with house.database.transaction() as session:
        found = vouchers(session, NOVEMBER)
    assert (found.paid, found.waiting, found.over) == (4, 1, 2)
    assert found.time_to_pay.counts == {30 * 60: 2, 0: 1, 37 * 3600: 1}


def test_how_far_orders_come(house: Portal) -> None:
    at = jst(8)
    ways: list[dict[str, Any]] = [
        {},
        {"uploaded_at": at},
        {"uploaded_at": at, "analysed_at": at},
        {"uploaded_at": at, "analysed_at": at, "paid_at": at},
        {"uploaded_at": at, "analysed_at": at, "paid_at": at, "delivered_at": at},
    ]
    orders = [make_order(house, created_at=at, **way) for way in ways]
    make_order(house, created_at=jst(8, month=10), **ways[-1])
    for order in (orders[2], orders[3], orders[3], orders[4]):
        make_payment(house, order, state="expired")
    with house.database.transaction() as session:
        for kind in ("file.downloaded", "file.downloaded", "work.delivered"):
            session.add(AuditEntry(order_id=orders[4].id, at=at, kind=kind, actor="customer", data={}))
        session.add(AuditEntry(order_id=orders[3].id, at=at, kind="work.delivered", actor="worker", data={}))
    with house.database.transaction() as session:
        assert funnel(session, NOVEMBER) == {
            "ordered": 5, "uploaded": 4, "analysed": 3, "payment": 3, "paid": 2, "delivered": 1, "downloaded": 1,
        }  # fmt: skip


def test_how_long_analyses_take(house: Portal) -> None:
    def run(seconds: float | None, outcome: str | None, product: str = "csv-profile", day: int = 9) -> None:
        order = make_order(house, product=product)
        begun = jst(day)
        ended = None if seconds is None else begun + timedelta(seconds=seconds)
        with house.database.transaction() as session:
            session.add(
                Run(
                    id=new_id(), order_id=order.id, engine="local", program="p", outcome=outcome, started_at=begun,
                    ended_at=ended,
                )
            )  # fmt: skip

    for seconds in (1, 2.4, 2.6, 90):
        run(seconds, "analysed")
    run(1000, "failed")
    run(5, "rejected")
    run(None, None)
    run(7, "analysed", "photo-check")
    run(7, "analysed", "photo-check", day=30)
    with house.database.transaction() as session:
        found = analyses(session, Period(FIRST, date(2026, 11, 29)))
    csv = found["csv-profile"]
    assert csv.times.counts == {1: 1, 2: 1, 3: 1, 90: 1}
    assert dict(csv.outcomes) == {"analysed": 4, "failed": 1, "rejected": 1}
    assert (csv.times.within(50), csv.times.within(95), csv.times.within(100)) == (2, 90, 90)
    assert found["photo-check"].times.counts == {7: 1}


def test_refunds_by_the_day_they_began(house: Portal) -> None:
    _, card = sell(house, jst(31, month=10))
    _, slip = sell(house, jst(3), "konbini", handling=120)
    give_back(house, card, jst(2, 0, 0), 500)
    give_back(house, card, jst(2, 23, 59), 1000)
    give_back(house, slip, jst(4), 1620, "requires_action")
    give_back(house, slip, jst(4), 1620, "failed")
    give_back(house, slip, jst(1, 0, 0, month=12), 1)
    with house.database.transaction() as session:
        found = refunds(session, NOVEMBER)
    assert {day: (sums.yen, sums.count) for day, sums in found.by_day.items()} == {
        date(2026, 11, 2): (1500, 2),
        date(2026, 11, 4): (1620, 1),
    }
    assert {key: sums.count for key, sums in found.by_state.items()} == {
        ("card", "succeeded"): 2, ("konbini", "requires_action"): 1, ("konbini", "failed"): 1,
    }  # fmt: skip
    assert found.total.yen == 3120


# --- the period


def test_days_are_read_from_the_address() -> None:
    now = jst(21, 1).astimezone(UTC)  # still the day before in UTC
    usual = period_of("", "", now)
    assert (usual.first, usual.last, len(usual.days)) == (date(2026, 10, 23), date(2026, 11, 21), 30)
    assert usual == last_days(30, now)
    day = period_of("2026-11-21", "2026-11-21", now)
    assert (day.begin, day.end) == (datetime(2026, 11, 20, 15, tzinfo=UTC), datetime(2026, 11, 21, 15, tzinfo=UTC))
    assert period_of("", "2026-01-30", now) == Period(date(2026, 1, 1), date(2026, 1, 30))
    assert len(period_of("2025-11-21", "2026-11-21", now).days) == LONGEST


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2026-11-22", "2026-11-21"),
        ("2025-11-20", "2026-11-21"),
        ("yesterday", ""),
        ("", "2026-02-30"),
        ("0001-01-01", "0001-01-02"),
        ("", "9999-12-31"),
        ("2026-11-1\0", ""),
        ("\u0662\u0660\u0662\u0666-11-01", "x"),
    ],
)
def test_days_that_are_none_are_refused(first: str, last: str) -> None:
    with pytest.raises(BadInputError):
        period_of(first, last, jst(21))


# --- the page


@pytest.fixture
def staff(house: Portal) -> FlaskClient:
    """Give a browser in which a viewer is logged in."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    return member(house, app, "viewer")


def test_an_empty_house_has_a_page(staff: FlaskClient) -> None:
    page = staff.get("/staff/numbers?lang=en")
    assert page.status_code == 200
    for words in (
        "Nothing was paid in these days.",
        "No voucher was issued in these days.",
        "No order was made in these days.",
        "No analysis ran in these days.",
        "Nothing went back in these days.",
        "Stripe has not been asked for its fees yet.",
        "eats the price",  # what the catalog says of quick-look by konbini
    ):
        assert words in page.text, words


def test_what_the_page_shows(house: Portal, staff: FlaskClient) -> None:
    sell(house, jst(20), fee=54)
    order, slip = sell(
        house, jst(21), "konbini", product="quick-look", price=200, handling=120, fee=120, voucher_expires_at=jst(24)
    )
    give_back(house, slip, jst(22), 320, "pending")
    with house.database.transaction() as session:
        session.add(Mark(name=MARK, value="", at=jst(30, 17)))
        session.add(AuditEntry(order_id=order.id, at=jst(22), kind="file.downloaded", actor="customer", data={}))
    page = staff.get("/staff/numbers?from=2026-11-20&to=2026-11-22&lang=en").text
    for words in (
        "Payments: 2, ¥1,820 in all",
        "Nov 21 Convenience store (konbini): ¥320",
        "Quick look / Convenience store (konbini) truly 60.0%",
        "truly 60.0%, assumed 60.0%: eats the price",
        "truly 3.6%, assumed 3.6%",
        "Stripe has told its fees until:",
        "Of the vouchers that have ended, 100.0% were paid and 0.0% ran out.",
        "Downloaded: 1 (50.0%)",
        "Refunds: 1, ¥320 in all (17.6% of the sales of these days)",
        "On its way",
    ):
        assert words in page, words
    # A table behind every picture, and pictures that say what they are.
    names = re.findall(r'<(?:svg class="chart" role="img"|ul class="bars") aria-label="([^"]+)"', page)
    assert len(names) == 6
    assert page.count("<details>") == len(names)
    assert 'style="' not in page
    japanese = staff.get("/staff/numbers?from=2026-11-20&to=2026-11-22&lang=ja").text
    assert "320円" in japanese
    assert "60.0%" in japanese


def test_a_wrong_period_is_told(staff: FlaskClient) -> None:
    assert staff.get("/staff/numbers?from=2026-11-22&to=2026-11-20").status_code == 422
    assert staff.get("/staff/numbers?from=x").status_code == 422


def test_what_is_not_in_the_catalog_any_more_is_shown_by_its_key(house: Portal, staff: FlaskClient) -> None:
    sell(house, jst(20), "paypay", product="gone-product", fee=10)
    page = staff.get("/staff/numbers?lang=en").text
    assert "gone-product / paypay" in page
    assert "Nov 20 paypay: ¥1,500" in page


def test_every_query_goes_by_an_index(house: Portal) -> None:
    """No query reads a whole table: only rows of the period are touched, and what belongs to them."""
    statements: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_rest: object) -> None:
        statements.append((statement, parameters))

    engine = house.database.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        with house.database.transaction() as session:
            for look in (sales, refunds, vouchers, other_costs, funnel, analyses):
                look(session, NOVEMBER)
            fees(session, house.catalog, NOVEMBER)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    queries = [one for one in statements if one[0].startswith("SELECT")]
    assert len(queries) == 8
    explain = "EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN "
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":  # else an empty table is read as a whole, whatever there is
            connection.exec_driver_sql("SET enable_seqscan = off")
        for statement, parameters in queries:
            plan = "\n".join(str(row) for row in connection.exec_driver_sql(explain + statement, parameters))
            assert not re.search(r"Seq Scan|SCAN (?!CONSTANT)\w", plan), f"{statement}\n{plan}"
            assert "ix_" in plan, plan
