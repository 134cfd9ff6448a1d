"""What Stripe's list of an address may not show, or shows too early: the history is right all the same."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.both_ways.people import CHOOSE, OPEN, history, logged_in, row_of
from tests.faults.house import House

SILENT = "Stripe, which handles payments for us, does not answer"


@pytest.mark.parametrize("listed", [False, True])
def test_open_sessions(house: House, listed: bool) -> None:  # noqa: FBT001  (both ways)
    house.sandbox.control("settings", {"open_sessions_listed": listed})
    order = house.order()
    session_id = house.begin(order)
    assert bool(house.portal.stripe.sessions_of_email(order.email)) is listed
    before = row_of(history(logged_in(house, order.email)), order)
    assert OPEN not in before
    assert "arrived" not in before
    house.pay(session_id)
    house.opened(order)
    assert OPEN in row_of(history(logged_in(house, order.email)), order)


@pytest.mark.parametrize("delay", [0, 3600])
def test_just_paid_and_looked_at_once(house: House, delay: int) -> None:
    house.sandbox.control("settings", {"list_delay_seconds": delay})
    order = house.order()
    owner = logged_in(house, order.email)
    assert CHOOSE in row_of(history(owner), order)
    house.pay(house.begin(order))
    assert bool(house.portal.stripe.sessions_of_email(order.email)) is (delay == 0)
    house.until(lambda: OPEN in row_of(history(owner), order), 60, "the result in the history")


@pytest.mark.parametrize("days", [0, 30])
def test_old_orders(house: House, days: int) -> None:
    house.sandbox.control("settings", {"list_keeps_days": days})
    order = house.order()
    house.pay(house.begin(order))
    house.opened(order)
    house.pass_time(days=40)
    assert bool(house.portal.stripe.sessions_of_email(order.email)) is (days == 0)
    row = row_of(history(logged_in(house, order.email)), order)
    assert OPEN in row
    assert f"/orders/{order.id}/files/result.zip" in row


@pytest.mark.parametrize("limited", [False, True])
def test_a_rush(house: House, limited: bool) -> None:  # noqa: FBT001
    """Twelve people look at their history and go to pay in one second, where Stripe allows two calls of a kind."""
    limits = {"rate_limits": limited, "rate_limit_endpoint": 2, "rate_limit_total": 10}
    house.sandbox.control("settings", limits)
    orders = [house.order() for _ in range(12)]
    with ThreadPoolExecutor(12) as together:
        pages = list(together.map(lambda order: history(logged_in(house, order.email)), orders))
    for order, page in zip(orders, pages, strict=True):
        assert CHOOSE in row_of(page, order)  # the ledger's word, whether Stripe was heard or not
    if not limited:
        assert not any(SILENT in page for page in pages)
    order = orders[0]
    session_id = house.begin(order)
    assert re.fullmatch(r"cs_test_\w+", session_id)
    house.pay(session_id)
    house.opened(order)
