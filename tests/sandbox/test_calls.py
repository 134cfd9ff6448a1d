"""The record of calls, and what of it fails the portal's browser tests."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import stripe

from tests.helpers import unknown_calls
from tests.sandbox.conftest import Stripe, line_item


def recorded(api: Stripe, act: Callable[[], object]) -> list[dict[str, Any]]:
    """Do something, errors or not; give the calls that it made."""
    before = api.control("calls", method="GET")
    with suppress(stripe.StripeError):
        act()
    calls: list[dict[str, Any]] = api.control(f"calls?after={before[-1]['seq'] if before else 0}", method="GET")
    return calls


def test_a_call_is_recorded(api: Stripe) -> None:
    session = api.create()
    (call,) = recorded(api, lambda: api.sessions.retrieve(session.id))
    assert call.pop("seq") > 0
    assert call == {
        "method": "GET",
        "path": f"/v1/checkout/sessions/{session.id}",
        "route": "GET /v1/checkout/sessions/<session>",
        "status": 200,
        "version": stripe.api_version,
        "key": "sk_test_****",
        "error": None,
        "unknown": False,
    }


# What the portal might ask one day; method and path; why it is not known.
UNKNOWN: list[tuple[Callable[[Stripe], object], str, str]] = [
    (lambda api: api.client.v1.products.list(), "GET /v1/products",
     "Unrecognized request URL (GET: /v1/products)."),
    (lambda api: api.create(colour="red"), "POST /v1/checkout/sessions",
     "Received unknown parameter: colour"),
    (lambda api: api.create(line_items=[line_item(500) | {"quantity": "two"}]), "POST /v1/checkout/sessions",
     "Invalid integer: two"),
    (lambda api: api.create(line_items="lots"), "POST /v1/checkout/sessions",
     "Invalid array"),
    (lambda api: api.create(automatic_tax={"enabled": True}), "POST /v1/checkout/sessions",
     "The Stripe stand-in does not implement automatic_tax (Stripe itself knows it)."),
    (lambda api: api.create(expand=["status"]), "POST /v1/checkout/sessions",
     "This property cannot be expanded (status)."),
    (lambda api: api.sessions.list({"limit": 1}, {"stripe_version": "2020-08-27"}), "GET /v1/checkout/sessions",
     "Invalid Stripe API version: 2020-08-27"),
]  # fmt: skip


@pytest.mark.parametrize(("act", "asked", "why"), UNKNOWN)
def test_what_the_stand_in_does_not_know_has_a_clear_line(
    api: Stripe, act: Callable[[Stripe], object], asked: str, why: str
) -> None:
    line = f"the portal called {asked}, which the stand-in does not know: {why}"
    assert unknown_calls(recorded(api, lambda: act(api))) == [line]


def _expire_twice(api: Stripe) -> None:
    session = api.create()
    api.sessions.expire(session.id)
    api.sessions.expire(session.id)


REFUSED: list[tuple[Callable[[Stripe], object], int]] = [
    (_expire_twice, 400),
    (lambda api: api.sessions.retrieve("cs_test_nothing"), 404),
    (lambda api: api.create(customer_email="nobody"), 400),
    (lambda api: api.create(client_reference_id="x" * 201), 400),
    (lambda api: stripe.StripeClient("x", base_addresses={"api": api.base}).v1.accounts.retrieve_current(), 401),
]


@pytest.mark.parametrize(("act", "status"), REFUSED)
def test_what_stripe_itself_refuses_is_known(api: Stripe, act: Callable[[Stripe], object], status: int) -> None:
    calls = recorded(api, lambda: act(api))
    assert unknown_calls(calls) == []
    assert calls[-1]["status"] == status
    assert calls[-1]["error"]["type"] == "invalid_request_error"


def test_a_call_without_an_answer_is_recorded_as_such(api: Stripe) -> None:
    api.control("faults", {"route": "GET /v1/account", "kind": "reset_after", "times": 1})
    (call,) = recorded(api, api.client.v1.accounts.retrieve_current)
    assert (call["status"], call["error"], call["unknown"]) == (0, None, False)


def test_no_key_is_kept_in_full(api: Stripe) -> None:
    client = stripe.StripeClient("sk_test_abcdefghijkl", base_addresses={"api": api.base})
    (call,) = recorded(api, client.v1.accounts.retrieve_current)
    assert call["key"] == "sk_test_********ijkl"
