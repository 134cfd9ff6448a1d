"""Card testing and heaps of vouchers are bounded (AC-H18)."""

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.checkout import service
from app.checkout.guard import BEGUN_PER_HOUR, OPEN_VOUCHERS, TooManyVouchersError
from app.errors import TooManyError
from app.kit.ids import digest, new_id, new_secret
from app.models import Order
from app.portal import Portal
from tests.checkout.shop import order_of, payments, press_pay
from tests.helpers import make_order, make_payment

AGO = timedelta(minutes=20)


def past(portal: Portal, count: int, columns: dict[str, Any], **payment: Any) -> None:
    """Store attempts of other orders, begun twenty minutes ago."""
    for _ in range(count):
        order = make_order(portal, state="analysed", **columns)
        values = {"state": "expired", "created_at": portal.clock() - AGO, **payment}
        make_payment(portal, order, **values)


def same(kind: str, order: Order) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give what orders and attempts have in common with this order's visitor."""
    if kind == "network":
        return {}, {"network": "n" * 20 + order.id[:12]}
    return {kind: getattr(order, kind)}, {}


@pytest.mark.parametrize("kind", ["email", "claim_hash", "network"])
def test_ac_h18_checkout_pages_are_bounded(portal: Portal, client: FlaskClient, kind: str) -> None:
    """Ten Checkout Sessions an hour for one address, one browser or one network; an hour later there is room again."""
    order = order_of(portal, client)
    columns, payment = same(kind, order)
    past(portal, BEGUN_PER_HOUR - 1, columns, **payment)
    network = payment.get("network")
    service.start(order.id, "card", network=network)  # the tenth
    again = make_order(portal, state="analysed", **columns)
    with pytest.raises(TooManyError) as caught:
        service.start(again.id, "card", network=network)
    assert 2300 < caught.value.retry_after <= 2401  # until the first is an hour old
    assert payments(portal, again) == []
    other = make_order(portal, state="analysed")
    assert service.start(other.id, "card", network="somebody else").startswith("http")


def test_ac_h18_old_attempts_do_not_count(portal: Portal, client: FlaskClient) -> None:
    """What was begun more than an hour ago is forgotten."""
    order = order_of(portal, client)
    past(portal, 30, {"email": order.email}, created_at=portal.clock() - timedelta(minutes=61))
    assert service.start(order.id, "card").startswith("http")


@pytest.mark.parametrize("kind", ["email", "claim_hash", "network"])
@pytest.mark.parametrize("state", ["awaiting", "open"])
def test_ac_h18_three_vouchers_at_most(portal: Portal, client: FlaskClient, kind: str, state: str) -> None:
    """A fourth konbini payment of one address, browser or network is refused while three wait; a card still works."""
    order = order_of(portal, client)
    columns, payment = same(kind, order)
    payment |= {"method": "konbini", "state": state, "created_at": portal.clock() - timedelta(days=2)}
    past(portal, OPEN_VOUCHERS, columns, **payment)
    network = payment.get("network")
    with pytest.raises(TooManyVouchersError):
        service.start(order.id, "konbini", network=network)
    assert payments(portal, order) == []
    assert service.start(order.id, "card", network=network).startswith("http")


def test_ac_h18_the_page_says_what_to_do(portal: Portal, client: FlaskClient) -> None:
    """The customer reads that three are waiting, that nothing was charged, and when to try again."""
    order = order_of(portal, client)
    past(portal, OPEN_VOUCHERS, {"email": order.email}, method="konbini", state="awaiting")
    answer = press_pay(client, order, "konbini")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert re.search("3件|Three convenience store", answer.text)


def test_ac_h18_many_at_once_are_counted_one_by_one(portal: Portal, client: FlaskClient, app: Any) -> None:
    """Twelve orders of one address beginning a voucher at the same moment get three between them."""
    email, claim = f"{new_id()}@example.jp", digest(new_secret())
    orders = [make_order(portal, email=email, claim_hash=claim, state="analysed") for _ in range(12)]

    def begin(order: Order) -> str:
        with app.app_context():
            try:
                service.start(order.id, "konbini")
            except TooManyError as error:
                return error.code
            return "begun"

    with ThreadPoolExecutor(6) as pool:
        outcome = Counter(pool.map(begin, orders))
    assert outcome == {"begun": OPEN_VOUCHERS, "too_many_vouchers": 12 - OPEN_VOUCHERS}
