"""Stripe-Version: which are accepted, and which parameters each has."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.sandbox.conftest import Stripe, line_item

BEFORE = ["2022-11-15", "2023-08-16", "2024-06-20", "2025-03-31.basil", "2026-08-26.dahlia"]
SINCE = ["2026-09-30.endive", "2026-10-28.endive"]


def pinned(api: Stripe, version: str) -> stripe.StripeClient:
    return stripe.StripeClient("sk_test_1", base_addresses={"api": api.base}, stripe_version=version)


def create(api: Stripe, version: str, **changes: Any) -> Any:
    """Create a session as a program written for that version would; types of today's SDK do not matter."""
    params = {"mode": "payment", "success_url": "http://shop.test/", "line_items": [line_item(1500)], **changes}
    answer = pinned(api, version).raw_request("post", "/v1/checkout/sessions", **params)
    return answer.data


@pytest.mark.parametrize("version", [*BEFORE, *SINCE])
def test_released_versions_are_accepted(api: Stripe, version: str) -> None:
    listed: Any = pinned(api, version).v1.checkout.sessions.list({"limit": 1})
    assert listed.last_response.headers["stripe-version"] == version


def test_a_version_can_be_asked_for_call_by_call(api: Stripe) -> None:
    listed: Any = api.sessions.list({"limit": 1}, {"stripe_version": "2026-08-26.dahlia"})
    assert listed.last_response.headers["stripe-version"] == "2026-08-26.dahlia"


@pytest.mark.parametrize("version", ["2026-10-28", "2025-09-30.acacia", "2019-2-19", "tomorrow", "2099-01-01.zzz"])
def test_other_versions_are_refused(api: Stripe, version: str) -> None:
    error = api.refusal(pinned(api, version).v1.checkout.sessions.list)
    assert f"Invalid Stripe API version: {version}" in str(error)


@pytest.mark.parametrize("version", BEFORE)
def test_payment_method_types_are_accepted_before_endive(api: Stripe, version: str) -> None:
    session = create(api, version, payment_method_types=["card"])
    assert session["payment_method_types"] == ["card"]


@pytest.mark.parametrize("version", SINCE)
def test_payment_method_types_are_refused_since_endive(api: Stripe, version: str) -> None:
    error = api.refusal(lambda: create(api, version, payment_method_types=["card"]))
    assert (error.code, error.param) == ("parameter_unknown", "payment_method_types")


@pytest.mark.parametrize("name", ["allowed_payment_method_types", "excluded_payment_method_types"])
def test_the_filters_are_unknown_before_endive(api: Stripe, name: str) -> None:
    error = api.refusal(lambda: create(api, "2026-08-26.dahlia", **{name: ["card"]}))
    assert (error.code, error.param) == ("parameter_unknown", name)
    assert name in str(error)
    assert create(api, "2026-09-30.endive", **{name: ["card"]})["status"] == "open"


@pytest.mark.parametrize("methods", [["cash"], ["paypay"]])
def test_an_error_names_the_parameter_of_its_time(api: Stripe, methods: list[str]) -> None:
    error = api.refusal(lambda: create(api, "2026-08-26.dahlia", payment_method_types=methods))
    assert str(error.param).startswith("payment_method_types")
    assert "allowed_" not in str(error)
