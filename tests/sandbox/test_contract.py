"""What the stand-in refuses, and that the refusal names the parameter."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.sandbox.conftest import Stripe, line_item

REFUSED: list[tuple[dict[str, Any], str | None, str | None]] = [
    ({"payment_method_types": ["card"]}, "parameter_unknown", "payment_method_types"),
    ({"line_items": [{"price_data": {"currency": "jpy", "colour": "red"}}]}, "parameter_unknown",
     "line_items[0][price_data][colour]"),
    ({"line_items": [{"price_data": {"unit_amount": 5}}]}, "parameter_missing",
     "line_items[0][price_data][currency]"),
    ({"line_items": [line_item(1500) | {"quantity": "two"}]}, "parameter_invalid_integer",
     "line_items[0][quantity]"),
    ({"line_items": [line_item(1500) | {"quantity": 0}]}, "parameter_invalid_integer", "line_items[0]"),
    ({"line_items": None}, "parameter_missing", "line_items"),
    ({"line_items": [line_item(49)], "allowed_payment_method_types": ["card"]}, "amount_too_small",
     "line_items"),
    ({"line_items": [line_item(1500, currency="usd")]}, None, "line_items[0][price_data][currency]"),
    ({"line_items": [{"price": "price_1", "quantity": 1}]}, "resource_missing", "line_items[0][price]"),
    ({"line_items": "lots"}, None, "line_items"),
    ({"mode": "rent"}, None, "mode"),
    ({"mode": "subscription"}, None, "mode"),
    ({"mode": None}, "parameter_missing", "mode"),
    ({"locale": "tlh"}, None, "locale"),
    ({"client_reference_id": ""}, "parameter_invalid_empty", "client_reference_id"),
    ({"client_reference_id": "x" * 201}, None, "client_reference_id"),
    ({"success_url": None}, "parameter_missing", "success_url"),
    ({"success_url": "javascript:alert(1)"}, "url_invalid", "success_url"),
    ({"customer_email": "nobody"}, "email_invalid", "customer_email"),
    ({"customer": "cus_1"}, None, "customer"),
    ({"customer": "cus_1", "customer_email": None}, None, "customer"),
    ({"customer": "cus_1", "customer_email": None, "customer_creation": None}, "resource_missing",
     "customer"),
    ({"excluded_payment_method_types": ["card"]}, None, "allowed_payment_method_types"),
    ({"allowed_payment_method_types": ["paypay"]}, None, "allowed_payment_method_types"),
    ({"allowed_payment_method_types": ["cash"]}, None, "allowed_payment_method_types[0]"),
    ({"allowed_payment_method_types": ["konbini"], "line_items": [line_item(119)]}, None,
     "allowed_payment_method_types"),
    ({"line_items": [line_item(300_001)]}, None, "allowed_payment_method_types"),
    ({"payment_method_options": {"konbini": {"expires_after_days": 0}}}, "parameter_invalid_integer",
     "payment_method_options[konbini][expires_after_days]"),
    ({"payment_method_options": {"konbini": {"expires_after_days": 61}}}, "parameter_invalid_integer",
     "payment_method_options[konbini][expires_after_days]"),
    ({"payment_method_options": {"konbini": {"expires_at": 1}}}, "parameter_unknown",
     "payment_method_options[konbini][expires_at]"),
    ({"expires_at": int(time.time()) + 60}, None, "expires_at"),
    ({"expires_at": int(time.time()) + 2 * 86400}, None, "expires_at"),
    ({"metadata": {f"k{n}": "v" for n in range(51)}}, None, "metadata"),
    ({"metadata": {"k" * 41: "v"}}, None, f"metadata[{'k' * 41}]"),
    ({"metadata": {"k": "v" * 501}}, None, "metadata[k]"),
    ({"metadata": {"k[x]": "v"}}, None, None),
    ({"payment_intent_data": {"metadata": {"k": "v" * 501}}}, None, "payment_intent_data[metadata][k]"),
    ({"custom_text": {"submit": {"message": "x" * 1201}}}, None, "custom_text[submit][message]"),
    ({"automatic_tax": {"enabled": True}}, None, "automatic_tax"),
    ({"phone_number_collection": {"enabled": "maybe"}}, None, "phone_number_collection[enabled]"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "code", "param"), REFUSED)
def test_create_refuses(api: Stripe, changes: dict[str, Any], code: str | None, param: str | None) -> None:
    error = api.refusal(lambda: api.create(**changes))
    assert error.http_status in (400, 404)
    assert error.code == code
    if param is not None:
        assert error.param == param
    assert error.request_id is not None
    assert error.request_id.startswith("req_")


@pytest.mark.parametrize(
    "changes",
    [
        {"client_reference_id": "x" * 200},
        {"metadata": {f"k{n}": "v" * 500 for n in range(50)}},
        {"payment_method_options": {"konbini": {"expires_after_days": 60}}},
        {"line_items": [line_item(120)]},
        {"line_items": [line_item(300_000)]},
        {"expires_at": 86400 - 60},
        {"expires_at": 1800 + 60},
        {"excluded_payment_method_types": ["konbini"], "allowed_payment_method_types": None},
    ],
)
def test_create_takes_what_is_just_inside_the_limits(api: Stripe, changes: dict[str, Any]) -> None:
    if "expires_at" in changes:  # seconds from now
        changes = {"expires_at": int(time.time()) + changes["expires_at"]}
    assert api.create(**changes).status == "open"


def test_without_a_filter_konbini_shows_only_where_it_fits(api: Stripe) -> None:
    assert api.create(1500, allowed_payment_method_types=None).payment_method_types == ["card", "konbini"]
    assert api.create(400_000, allowed_payment_method_types=None).payment_method_types == ["card"]


def test_an_unknown_url_is_404(api: Stripe) -> None:
    error = api.refusal(api.client.v1.products.list)
    assert error.http_status == 404
    assert "Unrecognized request URL (GET: /v1/products)" in str(error)


def test_an_unknown_id_is_404(api: Stripe) -> None:
    error = api.refusal(lambda: api.sessions.retrieve("cs_test_nothing"))
    assert (error.http_status, error.code) == (404, "resource_missing")
    # An id of another kind is as unknown.
    session = api.create()
    assert api.refusal(lambda: api.client.v1.payment_intents.retrieve(session.id)).http_status == 404
