"""The join of Stripe's sessions and the ledger's orders, without either."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from app.history.service import Row, rows
from app.history.sessions import StripeSession, trim
from app.history.words import SENTENCES
from app.kit.ids import new_id
from app.models import Order, Payment, Refund

ME = "taro@example.jp"
NOON = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
FILES = {"files": [{"slug": "result.zip", "name": "結果.zip", "key": "k", "size": 1, "type": "zip"}]}


def order(*payments: Payment, **columns: Any) -> Order:
    values: dict[str, Any] = {
        "id": new_id(),
        "email": ME,
        "product": "csv-profile",
        "charge": "after_analysis",
        "price": 1500,
        "state": "analysed",
        "money": "unpaid",
        "filename": "売上.csv",
        "created_at": NOON,
        **columns,
    }
    return Order(**values, payments=list(payments))


def payment(state: str, *refunds: Refund, **columns: Any) -> Payment:
    values: dict[str, Any] = {"method": "card", "amount": 1500, "created_at": NOON, **columns}
    return Payment(id=new_id(), state=state, refunds=list(refunds), **values)


def told(order_id: str, **facts: Any) -> StripeSession:
    values: dict[str, Any] = {
        "id": f"cs_test_{new_id()}",
        "created": int(NOON.timestamp()),
        "amount": 1500,
        "method": "card",
        "complete": True,
        "paid": True,
        **facts,
    }
    return StripeSession(order_id=order_id, **values)


def only(found: list[Row]) -> Row:
    (row,) = found
    return row


def test_ac_l20_a_session_of_another_persons_order_is_not_shown() -> None:
    """Whoever pays at Stripe with a victim's address plants nothing in the victim's history."""
    planted = order(payment("paid"), email="attacker@example.jp", state="delivered", money="paid", delivery=FILES)
    assert rows(ME, [told(planted.id)], [planted]) == []


def test_a_session_that_the_ledger_lost_is_shown_without_files() -> None:
    order_id = new_id()
    sessions = [told(order_id, paid=False, complete=False), told(order_id, amount=1624, method="konbini")]
    row = only(rows(ME, sessions, []))
    assert (row.order_id, row.amount, row.method) == (order_id, 1624, "konbini")
    assert row.situation == "restoring_paid"
    assert row.downloads == ()
    assert row.product is None


def test_an_order_that_stripe_does_not_list_is_shown_all_the_same() -> None:
    """A wallet may bring another address to Stripe; the ledger knows better."""
    paid = order(payment("paid", receipt_url="https://r.example"), state="delivered", money="paid", delivery=FILES)
    row = only(rows(ME, [], [paid]))
    assert row.situation == "open"
    assert [(d.slug, d.name) for d in row.downloads] == [("result.zip", "結果.zip")]
    assert row.receipt_url == "https://r.example"


@pytest.mark.parametrize(
    ("state", "money", "opens"),
    [
        ("delivered", "paid", True),
        ("delivered", "partly_refunded", True),
        ("delivered", "refunded", False),
        ("delivered", "unpaid", False),
        ("analysed", "paid", False),
    ],
)
def test_files_open_only_when_delivered_and_paid(state: str, money: str, opens: bool) -> None:  # noqa: FBT001
    made = order(payment("paid"), state=state, money=money, delivery=FILES)
    assert bool(only(rows(ME, [told(made.id)], [made])).downloads) is opens


def test_stripes_word_that_money_came_is_told_before_the_ledger_knows() -> None:
    made = order(payment("open", session_id="cs_1"))
    row = only(rows(ME, [told(made.id, id="cs_1")], [made]))
    assert row.situation == "settling"
    assert row.downloads == ()


def test_a_voucher_still_to_pay_shows_its_deadline() -> None:
    until = NOON + timedelta(days=3)
    waiting = payment("awaiting", method="konbini", amount=1624, voucher_expires_at=until)
    row = only(rows(ME, [], [order(waiting)]))
    assert (row.situation, row.voucher_until, row.amount) == ("voucher", until, 1624)


@pytest.mark.parametrize(
    ("refund", "money", "situation"),
    [
        ("requires_action", "paid", "refund_account"),
        ("pending", "paid", "refunding"),
        ("succeeded", "refunded", "refunded"),
        ("failed", "paid", "open"),
    ],
)
def test_a_refund_is_told_as_far_as_it_is(refund: str, money: str, situation: str) -> None:
    paid = payment("paid", Refund(id="re_1", state=refund, amount=1500, created_at=NOON))
    assert only(rows(ME, [], [order(paid, state="delivered", money=money)])).situation == situation


def test_paid_without_a_result_does_not_say_that_there_is_nothing_to_pay() -> None:
    made = order(payment("paid"), charge="before_analysis", state="failed", money="paid")
    assert only(rows(ME, [], [made])).situation == "paid_no_result"


def test_an_order_that_can_not_be_analysed_asks_for_no_money() -> None:
    row = only(rows(ME, [], [order(state="rejected")]))
    assert (row.situation, row.amount) == ("rejected", None)


def test_newest_first_with_both_sources_mixed() -> None:
    old, new = order(created_at=NOON - timedelta(days=2)), order(created_at=NOON)
    between = told(new_id(), created=int((NOON - timedelta(days=1)).timestamp()))
    assert [r.order_id for r in rows(ME, [between], [old, new])] == [new.id, between.order_id, old.id]


def test_one_row_an_order_however_often_it_was_tried() -> None:
    made = order(payment("expired"), payment("paid", amount=1624), money="paid")
    row = only(rows(ME, [told(made.id, paid=False), told(made.id)], [made]))
    assert row.amount == 1624
    assert row.situation in SENTENCES


@pytest.mark.parametrize(
    "change",
    [
        {"metadata": {"portal": "another-shop"}},
        {"metadata": None},
        {"client_reference_id": None},
        {"client_reference_id": "x"},
    ],
)
def test_sessions_that_are_not_this_portals_do_not_count(app: Flask, change: dict[str, Any]) -> None:
    ours: dict[str, Any] = {
        "id": "cs_test_1",
        "created": 1,
        "amount_total": 1500,
        "client_reference_id": new_id(),
        "metadata": {"portal": "kaiseki-demo"},
        "payment_method_types": ["card"],
        "status": "complete",
        "payment_status": "paid",
    }
    with app.app_context():
        assert trim(ours) is not None
        assert trim(ours | change) is None
