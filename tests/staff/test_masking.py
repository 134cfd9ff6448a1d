"""Stripe's events as staff see them: all that the stand-in sends about real payments, without whoever paid."""

import json
import urllib.request
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.portal import Portal
from app.staff.masking import HIDDEN, UNREADABLE, masked_payload, masked_value
from tests.checkout.shop import go_to_stripe, order_of
from tests.helpers import Sandbox

NAME, PHONE = "極秘花子", "09012345678"
SECRETS = {"url", "client_secret", "receipt_url", "hosted_voucher_url", "payment_code", "confirmation_number", "last4"}


def events_about(sandbox: Sandbox, session_id: str) -> list[dict[str, Any]]:
    """Return what Stripe told of a Checkout Session, as it told it."""
    request = urllib.request.Request(
        f"{sandbox.stripe}/v1/events?limit=100", headers={"Authorization": "Bearer sk_test_dummy_for_the_stand_in"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        events: list[dict[str, Any]] = json.load(answer)["data"]
    (session,) = [e["data"]["object"] for e in events if e["data"]["object"]["id"] == session_id][:1]
    about = {session_id, session.get("payment_intent")}
    return [e for e in events if about & {e["data"]["object"]["id"], e["data"]["object"].get("payment_intent")}]


def leaves(value: Any, name: str = "") -> list[tuple[str, Any]]:
    """Return the fields of JSON that hold no other, each with its name."""
    if isinstance(value, dict):
        return [leaf for key, inner in value.items() for leaf in leaves(inner, key)]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in leaves(inner, name)]
    return [(name, value)]


@pytest.mark.parametrize("method", ["card", "konbini"])
def test_ac_s04_nothing_of_the_payer_is_shown(
    portal: Portal, client: FlaskClient, sandbox: Sandbox, email: str, method: str
) -> None:
    """Of every event about a payment: ids, states and amounts, and not who paid, with what, or where the receipt is."""
    order = order_of(portal, client, email=email)
    session_id = go_to_stripe(client, order, method)
    payer = {"name": NAME, "phone": PHONE}
    if method == "konbini":
        sandbox.control(f"sessions/{session_id}/issue_voucher", payer)
        sandbox.control(f"sessions/{session_id}/pay_at_till")
    else:
        sandbox.control(f"sessions/{session_id}/pay_card", payer)
    events = events_about(sandbox, session_id)
    raw = json.dumps(events, ensure_ascii=False)
    assert email in raw
    assert NAME in raw, "else nothing is proved"
    assert len(events) >= 3
    for event in events:
        shown = masked_payload(json.dumps(event))
        for secret in (email, NAME, PHONE, PHONE.removeprefix("0")):
            assert secret not in shown
        found = leaves(json.loads(shown))
        assert {value for name, value in found if name in SECRETS} <= {HIDDEN, None, ""}
        assert ("id", event["id"]) in found
        assert ("type", event["type"]) in found
        assert [v for n, v in found if n.startswith("amount")] == [
            v for n, v in leaves(event) if n.startswith("amount")
        ]
        assert session_id in shown or event["data"]["object"]["id"] in shown
        assert f'"order_id": "{order.id}"' in shown


def test_a_field_that_nobody_knows_is_hidden() -> None:
    told = {
        "a_new_field": "千代田区",
        "nested": {"more": ["Taro", {"deep": "03-1234-5678"}]},
        "count": 3,
        "yes": True,
    }
    assert masked_value(told) == {
        "a_new_field": HIDDEN,
        "nested": {"more": [HIDDEN, {"deep": HIDDEN}]},
        "count": 3,
        "yes": True,
    }


def test_numbers_about_a_person_are_hidden_and_addresses_recognised() -> None:
    assert masked_value({"card": {"brand": "visa", "exp_month": 4, "last4": "4242"}, "exp": 4}) == {
        "card": {"brand": "visa", "exp_month": HIDDEN, "last4": HIDDEN},
        "exp": 4,
    }
    assert masked_value({"email": "taro@example.jp", "note": "Taro <taro@example.jp>"}) == {
        "email": "t***@example.jp",
        "note": HIDDEN,
    }


def test_only_our_own_metadata_is_shown() -> None:
    told = masked_value({"metadata": {"order_id": "x-1", "nickname": "hanako"}, "order_id": "hanako"})
    assert told == {"metadata": {"order_id": "x-1", "nickname": HIDDEN}, "order_id": HIDDEN}


def test_an_id_is_shown_and_a_secret_that_looks_like_one_is_not() -> None:
    intent = "pi_3ABCdef123"
    assert masked_value({"customer": "cus_ABC123", "latest": intent}) == {"customer": "cus_ABC123", "latest": intent}
    assert masked_value({"client_secret": f"{intent}_secret_XYZ", "x": "ch_" + "花"}) == {
        "client_secret": HIDDEN,
        "x": HIDDEN,
    }


@pytest.mark.parametrize("payload", [None, "", "no JSON", "[" * 100_000, "{}"], ids=["none", "", "text", "deep", "{}"])
def test_what_can_not_be_read_is_empty(payload: str | None) -> None:
    assert masked_payload(payload) == UNREADABLE
