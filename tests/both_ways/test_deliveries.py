"""Whatever happens to Stripe's events on their way, a paid order opens once, and one mail says so."""

from typing import Any

import pytest

from tests.both_ways.people import OPEN, VOUCHER, order_page, says
from tests.checkout.shop import mails, payments
from tests.faults.house import House

LATER: dict[str, float] = {"hours": 1}  # past the next run of the job that reads payments anew

# What Stripe does to the events -> how much time must pass until the portal knows.
PLANS: list[tuple[dict[str, Any], dict[str, float]]] = [
    ({"do": "drop", "times": 2}, {}),
    ({"do": "drop", "times": 50, "for_good": True}, LATER),
    ({"do": "delay", "times": 50, "seconds": 1800}, {"seconds": 1801}),
    ({"do": "duplicate", "times": 50}, {}),
    ({"do": "twin", "times": 50}, {}),
    ({"do": "wrong_secret", "times": 2}, {}),
    ({"do": "old_version", "times": 50, "api_version": "2022-08-01"}, {}),
    ({"do": "old_version", "times": 50, "api_version": "2026-08-26.dahlia"}, {}),
    ({"do": "ungenerated", "times": 50}, LATER),
]


@pytest.mark.parametrize("method", ["card", "konbini"])
@pytest.mark.parametrize(("plan", "time"), PLANS, ids=[f"{p['do']}-{n}" for n, (p, _) in enumerate(PLANS)])
def test_an_event_goes_astray(house: House, plan: dict[str, Any], time: dict[str, float], method: str) -> None:
    """Nobody comes back to the portal's return page: the events and the reconciler are all there is."""
    house.sandbox.control("deliveries/plan", {"types": "*", **plan})
    order = house.bought(method)
    if time:
        house.pass_time(**time)
    says(house, order, OPEN)
    house.sandbox.control("deliveries/plan/clear")
    house.pass_time(hours=2)  # whatever is still on its way arrives too
    assert OPEN in order_page(house, order)
    assert [p.state for p in payments(house.portal, order)] == ["paid"]
    assert mails(house.portal, order).count("result_open") == 1
    assert house.now(order).attention is None


@pytest.mark.parametrize("order_of_events", ["created", "reverse"])
def test_in_any_order(house: House, order_of_events: str) -> None:
    house.sandbox.control("settings", {"webhooks_paused": True})
    order = house.bought("konbini")
    assert house.now(order).money == "unpaid"
    sent = house.sandbox.control("deliveries/release", {"order": order_of_events})
    assert {one["answer"] for one in sent} == {"HTTP 200"}
    house.sandbox.control("settings", {"webhooks_paused": False})
    says(house, order, OPEN)
    assert VOUCHER not in order_page(house, order)
    assert mails(house.portal, order).count("result_open") == 1
