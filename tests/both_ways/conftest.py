"""A whole portal with a Stripe stand-in of its own: its switches and its clock disturb nobody else's tests.

It runs with two restricted keys that may do exactly what KEY_NEEDS and REFUND_KEY_NEEDS say, and its clock is the
stand-in's.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.house import House, house_on
from tests.helpers import Sandbox

KEY = "rk_test_both_ways"
# All that the portal does at Stripe: `.env.example` says it in the words of Stripe's Dashboard.
KEY_NEEDS = {
    "account": "read",
    "checkout_sessions": "write",
    "payment_intents": "read",
    "charges": "read",
    "disputes": "read",
    "events": "read",
    "balance_transaction_sources": "read",
}
REFUND_KEY = "rk_test_both_ways_refunds"
REFUND_KEY_NEEDS = {"charges": "write"}


@pytest.fixture(scope="session")
def house_with_switches(backend: str, folder: Path, sandbox: Sandbox) -> Iterator[tuple[House, dict[str, Any]]]:
    """Start the house; beside it, how its switches stand at first."""
    place = folder / f"both-ways-{backend}"
    place.mkdir(mode=0o755)
    with house_on(backend, place, sandbox, STRIPE_API_KEY=KEY, STRIPE_REFUND_KEY=REFUND_KEY) as house:
        yield house, house.sandbox.control("settings")


@pytest.fixture
def house(house_with_switches: tuple[House, dict[str, Any]]) -> Iterator[House]:
    """Give the house, healthy and with its switches as they stood at first."""
    house, defaults = house_with_switches
    house.sandbox.control("settings", defaults)
    house.sandbox.control("keys", {"key": KEY, "permissions": KEY_NEEDS})
    house.sandbox.control("keys", {"key": REFUND_KEY, "permissions": REFUND_KEY_NEEDS})
    house.heal()
    with house.flask.app_context():
        yield house
