"""What the page says of single payments beside the order's own situation."""

from typing import Any

import pytest
from flask import Flask
from flask_babel import force_locale

from app.models import Order, Payment, Refund
from app.orders.notes import notes
from app.orders.timeline import timeline
from app.portal import Portal


def payment(refunds: tuple[str, ...] = (), **columns: Any) -> Payment:
    """Make a paid card payment in memory."""
    values = {"method": "card", "state": "paid", "amount": 1500, **columns}
    return Payment(**values, refunds=[Refund(state=state, amount=1500) for state in refunds])


def said(app: Flask, *payments: Payment, money: str = "paid") -> list[tuple[str, str]]:
    with app.test_request_context("/"), force_locale("en"):
        return [(note.kind, note.text) for note in notes(Order(money=money, payments=list(payments)))]


KONBINI: dict[str, Any] = {"method": "konbini", "amount": 1620}
CASES: list[tuple[Payment, str, str]] = [
    (payment(anomaly="double_payment"), "info", "paid twice. The payment of ¥1,500 (Card) goes back"),
    (payment(("succeeded",), anomaly="double_payment", state="refunded"), "info", "paid twice. ¥1,500 was sent back"),
    (payment(("requires_action",), state="refunded", **KONBINI), "warn", "asks for a bank account"),
    (payment(("pending",), state="partly_refunded"), "info", "on its way back"),
    (payment(("failed",)), "warn", "did not work"),
    (payment(dispute="needs_response"), "info", "Your card company asks"),
    (payment(dispute="warning_under_review"), "info", "Your card company asks"),
    (payment(state="awaiting", **KONBINI), "warn", "voucher for ¥1,620 is still out"),
]


@pytest.mark.parametrize(("one", "kind", "words"), CASES)
def test_one_note_each(app: Flask, one: Payment, kind: str, words: str) -> None:
    ((seen, text),) = said(app, one)
    assert seen == kind
    assert words in text


@pytest.mark.parametrize(
    "one", [payment(), payment(dispute="won"), payment(dispute="lost"), payment(("canceled",)), payment(state="failed")]
)
def test_nothing_to_say(app: Flask, one: Payment) -> None:
    assert said(app, one) == []


def test_a_voucher_that_is_to_be_paid_is_no_note(app: Flask) -> None:
    assert said(app, payment(state="awaiting"), money="unpaid") == []


@pytest.mark.parametrize(
    ("one", "step"),
    [
        (payment(("requires_action",), state="refunded"), ("current", "Refund under way")),
        (payment(("succeeded",), state="refunded"), ("done", "Refunded")),
        (payment(state="refunded", dispute="lost"), ("done", "Taken back by the card company")),
    ],
)
def test_the_last_step_of_money_that_goes_back(portal: Portal, one: Payment, step: tuple[str, str]) -> None:
    now = portal.clock()
    for refund in one.refunds:
        refund.created_at = now
    order = Order(charge="after_analysis", state="analysed", money="refunded", payments=[one], paid_at=now)
    order.created_at = order.uploaded_at = order.analysed_at = now
    with force_locale("en"):
        steps = timeline(order)
    assert (steps[-1]["state"], steps[-1]["title"]) == step
    assert steps[-2]["state"] == "failed", "the result does not open any more"
