"""The account: which payment methods it may offer is up to its capabilities."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox.conftest import Stripe


@pytest.fixture(params=["pending", "inactive"])
def without_konbini(api: Stripe, request: pytest.FixtureRequest) -> Iterator[str]:
    api.control("settings", {"konbini_capability": request.param})
    yield request.param
    api.control("settings", {"konbini_capability": "active"})


def test_the_account_says_what_it_may(api: Stripe) -> None:
    account: Any = api.client.v1.accounts.retrieve_current()
    assert (account.country, account.default_currency) == ("JP", "jpy")
    assert account.capabilities.to_dict() == {"card_payments": "active", "konbini_payments": "active"}
    assert api.create().payment_method_types == ["card", "konbini"]


def test_an_inactive_method_is_not_offered(api: Stripe, without_konbini: str) -> None:
    account: Any = api.client.v1.accounts.retrieve_current()
    assert account.capabilities.konbini_payments == without_konbini
    session = api.create()
    assert session.payment_method_types == ["card"]
    api.control(f"sessions/{session.id}/issue_voucher", status=400)


def test_naming_only_an_inactive_method_is_refused(api: Stripe, without_konbini: str) -> None:
    error = api.refusal(lambda: api.create(allowed_payment_method_types=["konbini"]))
    assert error.param == "allowed_payment_method_types"
    assert "activated" in str(error)
    assert api.refusal(lambda: api.create(excluded_payment_method_types=["card"], allowed_payment_method_types=None))


def test_what_was_offered_before_stays(api: Stripe) -> None:
    session = api.create()
    api.control("settings", {"card_capability": "inactive"})
    try:
        assert api.create().payment_method_types == ["konbini"]
        api.control(f"sessions/{session.id}/pay_card")
    finally:
        api.control("settings", {"card_capability": "active"})
    assert api.full(session.id).payment_status == "paid"
    api.control("settings", {"card_capability": "maybe"}, status=400)
