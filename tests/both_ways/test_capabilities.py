"""An account that may not take konbini (yet): the catalog offers it, Stripe does not."""

import pytest

from tests.both_ways.people import OPEN, VOUCHER, says, voucher
from tests.checkout.shop import payments
from tests.checkout.test_check import check
from tests.faults.house import House

WARNING = "is offered in catalog.toml, but not active at Stripe"


@pytest.mark.parametrize("state", ["active", "pending", "inactive"])
def test_konbini(house: House, state: str) -> None:
    house.sandbox.control("settings", {"konbini_capability": state})
    code, said = check(house.flask)
    assert code == 0, said
    assert (f"warn  Stripe: konbini {WARNING} ({state})" in said) is (state != "active"), said
    order = house.order()
    if state == "active":
        voucher(house, order)
        says(house, order, VOUCHER)
        return
    browser = house.visitor(order)
    fields = {"csrf_token": browser.token(f"/orders/{order.id}/pay?method=konbini"), "method": "konbini"}
    refused = browser.post(f"/orders/{order.id}/pay?lang=en", fields)
    assert refused.status == 502
    assert f"/orders/{order.id}/pay" in refused.text  # the way back to the choice
    assert "Traceback" not in refused.text
    # Nothing is stuck: the card works at once.
    house.pay(house.begin(order))
    says(house, order, OPEN)
    assert sorted(p.state for p in payments(house.portal, order)) == ["abandoned", "paid"]


@pytest.mark.parametrize("state", ["active", "pending"])
def test_card(house: House, state: str) -> None:
    """What was begun while a method was active can be paid after it is not."""
    order = house.order()
    session_id = house.begin(order)
    house.sandbox.control("settings", {"card_capability": state})
    assert (f"warn  Stripe: card {WARNING}" in check(house.flask)[1]) is (state != "active")
    house.pay(session_id)
    says(house, order, OPEN)
