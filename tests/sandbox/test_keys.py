"""API keys: who is let in, and what a restricted key may do."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
import stripe

from tests.sandbox.conftest import Stripe, call


def client(api: Stripe, key: str) -> stripe.StripeClient:
    return stripe.StripeClient(key, base_addresses={"api": api.base})


def restricted(api: Stripe, **permissions: str) -> stripe.StripeClient:
    key = f"rk_test_{uuid.uuid4().hex}"
    assert api.control("keys", {"key": key, "permissions": permissions})["permissions"] == permissions
    return client(api, key)


def forbidden(act: Any) -> stripe.PermissionError:
    with pytest.raises(stripe.PermissionError) as caught:
        act()
    assert caught.value.http_status == 403
    return caught.value


@pytest.mark.parametrize("key", ["sk_live_1234567890", "rk_live_1234567890", "rk_test_never_registered", "nonsense"])
def test_only_test_keys_of_the_account_are_let_in(api: Stripe, key: str) -> None:
    with pytest.raises(stripe.AuthenticationError) as caught:
        client(api, key).v1.checkout.sessions.list()
    assert caught.value.http_status == 401
    assert "Invalid API Key provided: " in str(caught.value)
    assert key not in str(caught.value)
    assert str(caught.value).endswith(key[-4:])


def test_no_key_is_401(api: Stripe) -> None:
    status, body = call("GET", f"{api.base}/v1/account")
    assert status == 401
    assert body["error"]["message"].startswith("You did not provide an API key.")


def test_a_publishable_key_is_403(api: Stripe) -> None:
    error = forbidden(client(api, "pk_test_123").v1.checkout.sessions.list)
    body: Any = error.json_body
    assert body["error"]["code"] == "secret_key_required"
    assert "cannot be made with a publishable API key" in str(error)


def test_a_restricted_key_may_do_what_it_was_given(api: Stripe) -> None:
    writer = restricted(api, checkout_sessions="write")
    session = writer.v1.checkout.sessions.create(
        {"mode": "payment", "success_url": "http://shop.test/", "line_items": [_line()]}
    )
    # Write includes read.
    assert writer.v1.checkout.sessions.retrieve(session.id).id == session.id
    reader = restricted(api, checkout_sessions="read")
    assert reader.v1.checkout.sessions.retrieve(session.id).id == session.id


def _line() -> Any:
    return {"price_data": {"currency": "jpy", "unit_amount": 500, "product_data": {"name": "x"}}, "quantity": 1}


def test_a_restricted_key_may_do_no_more(api: Stripe) -> None:
    session = api.create()
    reader = restricted(api, checkout_sessions="read", events="none")
    error = forbidden(lambda: reader.v1.checkout.sessions.expire(session.id))
    assert "does not have the required permissions for this endpoint on account 'acct_" in str(error)
    assert "Having the 'rak_checkout_session_write' permission would allow this request to continue." in str(error)
    assert "'rak_event_read'" in str(forbidden(reader.v1.events.list))
    assert "'rak_charge_write'" in str(forbidden(lambda: reader.v1.refunds.create({"payment_intent": "pi_1"})))
    assert "'rak_webhook_write'" in str(forbidden(lambda: reader.v1.webhook_endpoints.delete("we_1")))
    assert api.sessions.retrieve(session.id).status == "open"


def test_an_expanded_object_needs_its_permission_too(api: Stripe) -> None:
    session = api.paid_by_card()
    expand: Any = {"expand": ["payment_intent.latest_charge"]}
    half = restricted(api, checkout_sessions="read", payment_intents="read")
    assert "'rak_charge_read'" in str(forbidden(lambda: half.v1.checkout.sessions.retrieve(session.id, expand)))
    listed: Any = {"limit": 1, "expand": ["data.payment_intent.latest_charge"]}
    forbidden(lambda: half.v1.checkout.sessions.list(listed | {"payment_intent": session.payment_intent.id}))  # type: ignore[union-attr]
    full = restricted(api, checkout_sessions="read", payment_intents="read", charges="read")
    assert full.v1.checkout.sessions.retrieve(session.id, expand).payment_intent.latest_charge.paid  # type: ignore[union-attr]


def test_a_forbidden_call_leaves_its_idempotency_key_free(api: Stripe) -> None:
    session = api.create()
    options: Any = {"idempotency_key": str(uuid.uuid4())}
    forbidden(lambda: restricted(api).v1.checkout.sessions.expire(session.id, {}, options))
    assert api.sessions.expire(session.id, {}, options).status == "expired"


def test_permissions_can_be_changed_and_are_listed(api: Stripe) -> None:
    key = f"rk_test_{uuid.uuid4().hex}"
    for level in ("read", "write"):
        api.control("keys", {"key": key, "permissions": {"events": level}})
        assert {"key": key, "permissions": {"events": level}} in api.control("keys", method="GET")


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": "sk_test_1", "permissions": {}},
        {"key": "rk_live_1", "permissions": {}},
        {"key": "rk_test_1", "permissions": {"moon": "read"}},
        {"key": "rk_test_1", "permissions": {"events": "all"}},
        {"key": "rk_test_1", "permissions": "all"},
    ],
)
def test_a_key_that_makes_no_sense_is_refused(api: Stripe, wrong: dict[str, Any]) -> None:
    assert api.control("keys", wrong, status=400)["error"]["param"] in ("key", "permissions")
