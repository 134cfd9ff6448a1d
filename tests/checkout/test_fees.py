"""True fees: every balance transaction of ours is kept once, whatever was cut off, refused or heard of late."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import current_app
from flask.testing import FlaskClient
from pydantic import SecretStr
from sqlalchemy import select

from app.checkout.fees import MARK, OVERLAP, WINDOW, fetch, look_back
from app.checkout.settle import settle
from app.errors import StripeDownError
from app.gateways.stripe import RETRIES, StripeGateway
from app.kit.ids import new_id
from app.models import BalanceTransaction, Mark, Order, Payment
from app.portal import EXTENSION, Portal
from app.privacy.work import Orders
from app.settings import Settings
from tests.checkout.shop import ask_stripe, paid, payments
from tests.helpers import Sandbox, get_json, make_order, make_payment
from tests.webhooks.deliveries import browser_here

FEE = {"card": 54, "konbini": 120}  # of 1,500 yen by card, of 1,620 yen at the till
BOOKS = "/v1/balance_transactions"
DISPUTE = 1500  # yen, the stand-in's fee for one

Booked = list[tuple[str, int, int, int]]


@pytest.fixture
def house(own_house: tuple[Portal, dict[str, str]]) -> Portal:
    """Give a portal of its own; the account at Stripe it shares with everybody's."""
    return own_house[0]


@pytest.fixture
def buyer(house: Portal) -> FlaskClient:
    """Give a browser at that portal."""
    return browser_here()


def bought(house: Portal, buyer: FlaskClient, sandbox: Sandbox, method: str = "card") -> tuple[Order, str]:
    """Give a paid order that the ledger knows of, and its PaymentIntent."""
    order, session_id, intent = paid(house, buyer, sandbox, method)
    settle(session_id)
    return order, intent


def booked(house: Portal, order: Order) -> Booked:
    """Return type, amount, fee and net of what is kept about an order, by type."""
    (payment,) = payments(house, order)
    with house.database.transaction() as session:
        rows = session.scalars(select(BalanceTransaction).where(BalanceTransaction.payment_id == payment.id)).all()
        return sorted((row.type, row.amount, row.fee, row.net) for row in rows)


def mark(house: Portal) -> Mark | None:
    with house.database.transaction() as session:
        return session.get(Mark, MARK)


def calls(sandbox: Sandbox) -> int:
    """Count how often somebody asked for balance transactions."""
    return sum(call["path"] == BOOKS for call in get_json(f"{sandbox.stripe}/_control/api/calls"))


def at(house: Portal, **changes: Any) -> None:
    """Let the portal be another one in some part."""
    current_app.extensions[EXTENSION] = replace(house, **changes)


def test_nothing_to_look_for(house: Portal) -> None:
    assert fetch() == 0
    assert mark(house) is None


@pytest.mark.parametrize(("method", "type_", "amount"), [("card", "charge", 1500), ("konbini", "payment", 1620)])
def test_a_payment_and_what_stripe_kept(
    house: Portal, buyer: FlaskClient, sandbox: Sandbox, method: str, type_: str, amount: int
) -> None:
    order, _ = bought(house, buyer, sandbox, method)
    before = house.clock()
    assert fetch() == 1  # of all that happened on the account, this alone is ours
    assert booked(house, order) == [(type_, amount, FEE[method], amount - FEE[method])]
    assert fetch() == 0
    known = mark(house)
    assert known is not None
    assert before <= known.at <= house.clock()


def test_refunds_and_disputes_belong_to_their_payment(house: Portal, buyer: FlaskClient, sandbox: Sandbox) -> None:
    order, intent = bought(house, buyer, sandbox)
    ask_stripe(sandbox, "refunds", payment_intent=intent, amount=500)
    slip, slip_intent = bought(house, buyer, sandbox, "konbini")
    refund = ask_stripe(sandbox, "refunds", payment_intent=slip_intent)
    sandbox.control(f"refunds/{refund['id']}/outcome", {"status": "failed"})
    disputed, _ = bought(house, buyer, sandbox)
    (payment,) = payments(house, disputed)
    charge = house.stripe.retrieve_session(str(payment.session_id))["payment_intent"]["latest_charge"]
    sandbox.control(f"charges/{charge['id']}/dispute")
    assert fetch() == 7
    assert booked(house, order) == [("charge", 1500, 54, 1446), ("refund", -500, 0, -500)]
    assert booked(house, slip) == [
        ("payment", 1620, 120, 1500),
        ("payment_failure_refund", 1620, 0, 1620),
        ("payment_refund", -1620, 0, -1620),
    ]
    assert booked(house, disputed) == [
        ("adjustment", -1500, DISPUTE, -1500 - DISPUTE),
        ("charge", 1500, 54, 1446),
    ]


def test_page_after_page(house: Portal, buyer: FlaskClient, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.gateways.stripe.A_PAGE", 1)
    orders = [bought(house, buyer, sandbox)[0] for _ in range(3)]
    assert fetch() == 3
    assert [len(booked(house, order)) for order in orders] == [1, 1, 1]


def test_the_first_run_reads_a_long_time_in_pieces(house: Portal, buyer: FlaskClient, sandbox: Sandbox) -> None:
    """It begins with the first payment; the next one with the last days only."""
    make_payment(house, make_order(house), created_at=house.clock() - 3 * WINDOW)
    order, _ = bought(house, buyer, sandbox)
    before = calls(sandbox)
    assert fetch() == 1
    between = calls(sandbox)
    assert fetch() == 0
    first, second = between - before, calls(sandbox) - between
    assert first - second == 3  # pieces before the one with all that happened on the account
    assert booked(house, order) != []


def test_what_failed_is_done_again(house: Portal, buyer: FlaskClient, sandbox: Sandbox) -> None:
    order, _ = bought(house, buyer, sandbox)
    sandbox.control("faults", {"route": f"GET {BOOKS}", "kind": "500_before", "times": RETRIES + 1})
    with pytest.raises(StripeDownError):
        fetch()
    assert mark(house) is None
    assert fetch() == 1
    assert booked(house, order) != []


def test_a_key_that_may_not_is_no_dead_job(
    house: Portal, buyer: FlaskClient, sandbox: Sandbox, settings: Settings
) -> None:
    order, _ = bought(house, buyer, sandbox)
    key, may = f"rk_test_{new_id().replace('-', '')}", {"charges": "read", "disputes": "read"}
    sandbox.control("keys", {"key": key, "permissions": may})
    at(house, stripe=StripeGateway(settings.model_copy(update={"stripe_api_key": SecretStr(key)})))
    assert fetch() == 0
    assert mark(house) is None
    sandbox.control("keys", {"key": key, "permissions": may | {"balance_transaction_sources": "read"}})
    assert fetch() == 1
    assert booked(house, order) != []


def test_a_payment_that_is_known_late_is_looked_for_again(house: Portal, buyer: FlaskClient, sandbox: Sandbox) -> None:
    order, session_id, _ = paid(house, buyer, sandbox)  # Stripe has the money, and nobody has told us
    at(house, clock=lambda: house.clock() + 2 * OVERLAP)
    assert fetch() == 0
    settle(session_id)
    assert fetch() == 0  # the mark has passed
    with house.database.transaction() as session:
        look_back(session, house.clock() + timedelta(days=30))  # never forward
        assert session.get_one(Mark, MARK).at > house.clock() + OVERLAP
        look_back(session, house.clock() - timedelta(hours=1))
    assert fetch() == 1
    assert booked(house, order) == [("charge", 1500, 54, 1446)]


def test_they_are_forgotten_with_their_order(house: Portal, buyer: FlaskClient, sandbox: Sandbox) -> None:
    order, _ = bought(house, buyer, sandbox)
    other, _ = bought(house, buyer, sandbox)
    assert fetch() == 2
    assert Orders(lambda _before: Order.id == order.id).run(house.clock()) == 1
    with house.database.transaction() as session:
        assert session.get(Order, order.id) is None
        assert len(session.scalars(select(Payment).where(Payment.order_id == order.id)).all()) == 0
        kept = session.scalars(select(BalanceTransaction.payment_id)).all()
    assert kept == [payments(house, other)[0].id]
