"""The address at Stripe may not be the one that we know; the history follows the order's own (AC-L19, AC-L20)."""

from typing import Any

import pytest

from app.kit.ids import new_id
from app.models import Order
from tests.both_ways.people import OPEN, by_mail, history, logged_in, row_of
from tests.faults.house import House

SOMEBODY_ELSE = "somebody.else@example.jp"


def bought(house: House, order: Order, **payer: Any) -> str:
    session_id = house.begin(order)
    paid = house.sandbox.control(f"sessions/{session_id}/pay_card", payer)
    house.opened(order)
    return str(paid["customer_details"]["email"])


def sees_it(house: House, order: Order) -> None:
    row = row_of(history(logged_in(house, order.email)), order)
    assert OPEN in row
    assert f"/orders/{order.id}/files/result.zip" in row


def sees_nothing(house: House, order: Order, email: str) -> None:
    stranger = logged_in(house, email)
    page = history(stranger)
    assert order.id not in page
    assert order.id[:8] not in page
    assert stranger.get(f"/orders/{order.id}").status == 404
    assert stranger.get(f"/orders/{order.id}/files/result.zip").status == 404


@pytest.mark.parametrize("sensitive", [True, False])
def test_the_case_of_an_address(house: House, sensitive: bool) -> None:  # noqa: FBT001  (both ways)
    house.sandbox.control("settings", {"email_case_sensitive": sensitive})
    name = f"taro-{new_id()[:13]}"
    order = house.order(email=f"{name}@x.jp")
    typed = f"{name.capitalize()}@X.JP"
    assert bought(house, order, email=typed) == typed
    # Stripe finds it by the address as we know it only where it does not mind the case.
    assert bool(house.portal.stripe.sessions_of_email(order.email)) is not sensitive
    for login in (typed, order.email):
        assert OPEN in row_of(history(by_mail(house, login)), order)


@pytest.mark.parametrize("editable", [True, False])
def test_the_payer_types_another_address(house: House, editable: bool) -> None:  # noqa: FBT001
    house.sandbox.control("settings", {"customer_email_editable": editable})
    order = house.order()
    kept = bought(house, order, email=SOMEBODY_ELSE)
    assert kept == (SOMEBODY_ELSE if editable else order.email)
    sees_it(house, order)
    sees_nothing(house, order, SOMEBODY_ELSE)


@pytest.mark.parametrize("wallet", [SOMEBODY_ELSE, ""])
def test_a_wallet_brings_another_address(house: House, wallet: str) -> None:
    house.sandbox.control("settings", {"wallet_email": wallet})
    order = house.order()
    assert bought(house, order, wallet="apple_pay") == (wallet or order.email)
    sees_it(house, order)
    sees_nothing(house, order, SOMEBODY_ELSE)
    # What we write goes to the address that ordered.
    house.until(lambda: house.sandbox.mails(order.email), 60, "the mail")
    assert not house.sandbox.mails(SOMEBODY_ELSE)
