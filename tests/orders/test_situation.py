"""Where an order stands, in one key: what the page, the history and the mails agree on."""

from datetime import UTC, datetime

import pytest

from app.models import Order, Payment, Refund
from app.orders.situation import TEXTS, situation

CASES = [
    # state, money, charge, payment states (oldest first), key
    ("waiting", "unpaid", "after_analysis", [], "waiting"),
    ("uploaded", "unpaid", "after_analysis", [], "uploaded"),
    ("uploaded", "unpaid", "before_analysis", [], "pay_first"),
    ("uploaded", "unpaid", "before_analysis", ["open"], "confirming"),
    ("uploaded", "paid", "before_analysis", ["paid"], "uploaded"),
    ("analysing", "unpaid", "after_analysis", [], "analysing"),
    ("analysed", "unpaid", "after_analysis", [], "choose_payment"),
    ("analysed", "unpaid", "after_analysis", ["creating"], "choose_payment"),
    ("analysed", "unpaid", "after_analysis", ["open"], "confirming"),
    ("analysed", "unpaid", "after_analysis", ["awaiting"], "voucher"),
    ("analysed", "unpaid", "after_analysis", ["awaiting", "open"], "voucher"),
    ("analysed", "unpaid", "after_analysis", ["failed"], "voucher_expired"),
    ("analysed", "unpaid", "after_analysis", ["failed", "expired"], "choose_payment"),
    ("analysed", "paid", "after_analysis", ["paid"], "preparing"),
    ("delivered", "paid", "after_analysis", ["paid"], "open"),
    ("delivered", "partly_refunded", "after_analysis", ["partly_refunded"], "open"),
    ("delivered", "refunded", "after_analysis", ["refunded"], "refunded"),
    ("analysed", "refunded", "after_analysis", ["refunded"], "refunded"),
    ("rejected", "unpaid", "after_analysis", [], "rejected"),
    ("failed", "unpaid", "after_analysis", [], "failed"),
    ("cancelled", "unpaid", "after_analysis", [], "cancelled"),
    ("cancelled", "paid", "before_analysis", ["paid"], "paid_no_result"),
    ("rejected", "paid", "before_analysis", ["paid"], "paid_no_result"),
    ("failed", "paid", "before_analysis", ["paid"], "paid_no_result"),
    ("abandoned", "unpaid", "after_analysis", [], "abandoned"),
]


def made(state: str, money: str, charge: str, payments: list[str]) -> Order:
    """Make an order in memory."""
    return Order(state=state, money=money, charge=charge, scan="clean", payments=[Payment(state=s) for s in payments])


@pytest.mark.parametrize(("state", "money", "charge", "payments", "key"), CASES)
def test_the_key(state: str, money: str, charge: str, payments: list[str], key: str) -> None:
    assert situation(made(state, money, charge, payments)).key == key


def test_a_payment_that_needs_a_look_is_not_asked_for_again() -> None:
    order = made("analysed", "unpaid", "after_analysis", ["open"])
    order.payments[0].anomaly = "amount_mismatch"
    assert situation(order).key == "checking"


@pytest.mark.parametrize(
    ("refunds", "key"),
    [
        (["requires_action"], "refund_account"),
        (["pending"], "refunding"),
        (["succeeded"], "refunded"),
        (["failed", "requires_action"], "refund_account"),  # tried once more
        (["requires_action", "succeeded"], "refunded"),
    ],
)
def test_money_on_its_way_back(refunds: list[str], key: str) -> None:
    """Until Stripe says "succeeded" the page does not say "refunded"."""
    order = made("delivered", "refunded", "after_analysis", ["refunded"])
    order.payments[0].refunds = [Refund(state=state) for state in refunds]
    assert situation(order).key == key


def test_money_that_the_bank_took_back() -> None:
    order = made("delivered", "refunded", "after_analysis", ["refunded"])
    order.payments[0].dispute = "lost"
    assert situation(order).key == "charged_back"


@pytest.mark.parametrize(
    ("disputes", "key"),
    [
        (["needs_response"], "disputed"),
        (["under_review"], "disputed"),
        (["warning_needs_response"], "open"),
        (["won"], "open"),
        (["needs_response", None], "open"),  # paid twice, and one payment is nobody's concern
    ],
)
def test_ac_u14_money_that_the_bank_holds(disputes: list[str | None], key: str) -> None:
    """While the bank has the money and decides, the downloads are closed; an inquiry takes no money."""
    order = made("delivered", "paid", "after_analysis", ["paid" for _ in disputes])
    for payment, dispute in zip(order.payments, disputes, strict=True):
        payment.dispute = dispute
    assert situation(order).key == key


@pytest.mark.parametrize(
    ("state", "money", "key"),
    [
        ("delivered", "paid", "result_gone"),
        ("analysed", "unpaid", "unpaid_gone"),
        ("uploaded", "unpaid", "unpaid_gone"),
        ("rejected", "unpaid", "rejected"),
        ("delivered", "refunded", "refunded"),
    ],
)
def test_files_that_are_deleted(state: str, money: str, key: str) -> None:
    order = made(state, money, "before_analysis", [])
    order.result_gone_at = datetime(2026, 11, 22, tzinfo=UTC)
    assert situation(order).key == key


@pytest.mark.parametrize(
    ("state", "money", "key"),
    [
        ("delivered", "paid", "closed"),
        ("delivered", "partly_refunded", "closed"),
        ("delivered", "refunded", "refunded"),
        ("analysed", "paid", "preparing"),
        ("analysed", "unpaid", "choose_payment"),
    ],
)
def test_downloads_that_staff_have_closed(state: str, money: str, key: str) -> None:
    order = made(state, money, "after_analysis", [])
    order.downloads_closed_at = datetime(2026, 11, 22, tzinfo=UTC)
    assert situation(order).key == key


def test_every_key_has_its_words() -> None:
    elsewhere = {
        "inspecting",
        "disputed",
        "closed",
        "checking",
        "sent",
        "refund_account",
        "refunding",
        "charged_back",
        "result_gone",
        "unpaid_gone",
    }
    assert {key for *_, key in CASES} | elsewhere == set(TEXTS)
