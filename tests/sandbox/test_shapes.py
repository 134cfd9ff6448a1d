"""Every answer and every event has the fields of the SDK's resource classes, no others, with values of their types."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import pytest
import stripe
from stripe._object_classes import get_object_class

from sandbox.stripe import shape
from sandbox.stripe.door.routes import ROUTES
from tests.sandbox.conftest import Stripe

Json = dict[str, Any]
_SCALARS: dict[Any, Any] = {str: str, int: int, bool: bool, float: (int, float), Decimal: str}

# What must have been seen for the walk to mean something.
EVENTS = {
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.funds_reinstated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.updated",
    "charge.failed",
    "charge.refund.updated",
    "charge.refunded",
    "charge.succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.completed",
    "checkout.session.expired",
    "customer.created",
    "payment_intent.canceled",
    "payment_intent.created",
    "payment_intent.payment_failed",
    "payment_intent.requires_action",
    "payment_intent.succeeded",
    "refund.created",
    "refund.failed",
    "refund.updated",
}
ID_SHAPES = {
    "balance_transaction": r"txn_\w{24}",
    "charge": r"(ch|py)_3\w{23}",
    "checkout.session": r"cs_test_a1\w{58}",
    "customer": r"cus_\w{14}",
    "dispute": r"du_1\w{23}",
    "event": r"evt_1\w{23}",
    "payment_intent": r"pi_3\w{23}",
    "payment_method": r"pm_1\w{23}",
    "refund": r"(re_3|pyr_1)\w{23}",
}


def faults(class_: type, body: Json, where: str) -> Iterator[str]:
    """Give what is missing, undeclared or of the wrong type, down to the innermost object."""
    declared = shape.declared(class_)
    may_miss = shape.LEFT_OUT.get(class_.__name__, frozenset())
    partial = class_.__name__ in shape.ONLY_WHAT_APPLIES
    for name, value in body.items():
        if name in declared:
            yield from misfits(declared[name], value, f"{where}.{name}")
        else:
            yield f"{where}.{name} is not declared"
    for name, hint in declared.items():
        if name not in body and name not in may_miss and not (partial and NoneType in shape.flat(hint)):
            yield f"{where}.{name} is missing"


def misfits(hint: Any, value: Any, where: str) -> list[str]:
    options = shape.flat(hint)
    if any(get_origin(option) is Literal for option in options):
        # The SDK writes `Literal[...] | str` for values that may grow; of today's version only these are right.
        options = [option for option in options if option is not str]
    tries = [list(_misfits(option, value, where)) for option in options]
    return [] if [] in tries else max(tries, key=lambda found: (where + " is" not in "".join(found), len(found)))


def _misfits(option: Any, value: Any, where: str) -> Iterator[str]:
    kind, inner = get_origin(option) or option, get_args(option)
    parts: list[tuple[Any, Any]] = []
    if kind is Literal:
        fits = value in inner
    elif kind in _SCALARS:
        fits = isinstance(value, _SCALARS[kind]) and isinstance(value, bool) == (kind is bool)
    elif kind in (Any, NoneType):
        fits = kind is Any or value is None
    elif kind is list:
        fits = isinstance(value, list)
        parts = [(place, one) for place, one in enumerate(value if fits else [])]
    elif kind is stripe.ListObject:
        fits = isinstance(value, dict) and set(value) == {"object", "url", "has_more", "data"}
        parts = [(place, one) for place, one in enumerate(value["data"] if fits else [])]
    elif kind.__name__ == "UntypedStripeObject":
        fits = isinstance(value, dict)
        parts = list(value.items()) if fits else []
    else:
        fits = isinstance(value, dict) and value.get("object") == getattr(kind, "OBJECT_NAME", value.get("object"))
        yield from faults(kind, value, where) if fits else ()
    if not fits:
        yield f"{where} is {value!r:.60}, not {option!r:.60}"
    for name, one in parts:
        yield from misfits(inner[0], one, f"{where}[{name}]")


def check(body: Json, where: str) -> None:
    """Check one answer, or each object of a list."""
    if body["object"] == "list":
        assert set(body) == {"object", "url", "has_more", "data"}
        for one in body["data"]:
            check(one, where)
        return
    if body.get("deleted"):
        assert set(body) == {"id", "object", "deleted"}
        return
    assert list(faults(get_object_class("V1", body["object"]), body, f"{where}: {body['object']}")) == []


class World:
    """Calls the API, checks each answer, and remembers which routes and objects were seen."""

    def __init__(self, api: Stripe) -> None:
        self.api = api
        self.routes: set[tuple[str, str]] = set()
        self.seen: dict[str, Json] = {}
        self.remembers = True

    def call(self, method: str, path: str, **params: Any) -> Any:
        answer = self.api.client.raw_request(method.lower(), path, **params)
        body: Any = answer.data
        for route in ROUTES:
            pattern = re.sub(r"<\w+>", "[^/]+", route.path)
            if route.method == method and re.fullmatch(pattern, path):
                self.routes.add((method, route.path))
        check(body, f"{method} {path}")
        if self.remembers:
            self.seen |= {one["id"]: one for one in (body["data"] if body["object"] == "list" else [body])}
        return body


@pytest.fixture(scope="module")
def world(own: Stripe) -> World:
    """Everything that can happen, happened once at a stand-in of our own."""
    world = World(own)
    _sessions(world)
    _refunds(world)
    _disputes(world)
    _endpoints(world)
    for kind in ("checkout/sessions", "payment_intents", "charges", "refunds", "disputes", "customers", "events"):
        for one in world.call("GET", f"/v1/{kind}", limit=100)["data"]:
            world.call("GET", f"/v1/{kind}/{one['id']}")
            if kind == "checkout/sessions":
                world.call("GET", f"/v1/{kind}/{one['id']}/line_items")
            if kind == "charges" and one["payment_method"]:
                world.call("GET", f"/v1/payment_methods/{one['payment_method']}")
    for one in world.call("GET", "/v1/balance_transactions", limit=100)["data"]:
        world.call("GET", f"/v1/balance_transactions/{one['id']}")
    world.call("GET", "/v1/account")
    world.remembers = False
    return world


def _sessions(world: World) -> None:
    api = world.api
    rich: Json = {
        "mode": "payment",
        "success_url": "http://shop.test/return?s={CHECKOUT_SESSION_ID}",
        "branding_settings": {"display_name": "店", "background_color": "#fafafa"},
        "custom_text": {"submit": {"message": "ご確認ください"}},
        "name_collection": {"individual": {"enabled": True}},
        "consent_collection": {"promotions": "none"},
        "line_items": [{"price_data": {"currency": "jpy", "unit_amount": 300, "product_data": {"name": "A"}}}] * 2,
        "payment_method_options": {"konbini": {"expires_after_days": 7}, "card": {"request_three_d_secure": "any"}},
        "phone_number_collection": {"enabled": True},
        "submit_type": "pay",
    }
    made = world.call("POST", "/v1/checkout/sessions", **rich)
    world.call("POST", f"/v1/checkout/sessions/{made['id']}/expire")
    declined = api.create()
    api.control(f"sessions/{declined.id}/pay_card", {"card_number": "4000000000000002"}, status=402)
    world.call("POST", f"/v1/checkout/sessions/{declined.id}/expire")
    api.paid_by_card()
    api.control(f"sessions/{api.create().id}/pay_card", {"wallet": "apple_pay"})
    api.control(f"sessions/{api.create().id}/pay_card", {"card_number": "4000002760003184"})
    api.control(f"sessions/{api.with_voucher().id}/expire_voucher")
    pending: Any = api.with_voucher()
    api.control("settings", {"voucher_cancellable": True})
    path = f"/v1/payment_intents/{pending.payment_intent.id}/cancel"
    world.call("POST", path, cancellation_reason="requested_by_customer")
    api.control("settings", {"voucher_cancellable": False})


def _refunds(world: World) -> None:
    api = world.api
    card: Any = api.paid_by_card().payment_intent
    for amount in (500, 1000):
        made = world.call("POST", "/v1/refunds", payment_intent=card.id, amount=amount, reason="duplicate")
        world.call("POST", f"/v1/refunds/{made['id']}", metadata={"why": "test"})
    for outcome in ("pending", "succeeded", "failed", "cancel"):
        session = api.with_voucher()
        api.control(f"sessions/{session.id}/pay_at_till")
        made = world.call("POST", "/v1/refunds", payment_intent=session.payment_intent.id)  # type: ignore[union-attr]
        if outcome == "cancel":
            world.call("POST", f"/v1/refunds/{made['id']}/cancel")
        else:
            api.control(f"refunds/{made['id']}/outcome", {"status": outcome})


def _disputes(world: World) -> None:
    for verdict in ("winning_evidence", "losing_evidence", "our side", ""):
        intent: Any = world.api.paid_by_card().payment_intent
        dispute = world.api.control(f"charges/{intent.latest_charge.id}/dispute")
        check(dispute, "control")
        path = f"/v1/disputes/{dispute['id']}"
        if verdict:
            world.call("POST", path, evidence={"uncategorized_text": verdict})
        else:
            world.call("POST", path, metadata={"seen": "yes"})
            world.call("POST", f"{path}/close")


def _endpoints(world: World) -> None:
    made = world.call("POST", "/v1/webhook_endpoints", url="http://127.0.0.1:9/none", enabled_events=["refund.failed"])
    path = f"/v1/webhook_endpoints/{made['id']}"
    world.call("POST", path, description="nobody listens")
    world.call("GET", "/v1/webhook_endpoints")
    world.call("GET", path)
    world.call("DELETE", path)


def test_every_route_was_walked(world: World) -> None:
    assert {(route.method, route.path) for route in ROUTES} - world.routes == set()


def test_every_event_carries_a_whole_object(world: World) -> None:
    events = [event.to_dict() for event in world.api.client.v1.events.list({"limit": 100}).auto_paging_iter()]
    assert {event["type"] for event in events} >= EVENTS
    for event in events:
        check(event["data"]["object"], event["type"])
        for name in event["data"].get("previous_attributes", {}):
            assert name in event["data"]["object"], event["type"]


def test_expanded_objects_are_whole_too(world: World) -> None:
    paths = ["line_items", "customer", "payment_intent.latest_charge.refunds"]
    session: Any = world.api.paid_by_card()
    world.api.client.v1.refunds.create({"payment_intent": session.payment_intent.id})
    body = world.call("GET", f"/v1/checkout/sessions/{session.id}", expand=paths)
    assert body["payment_intent"]["latest_charge"]["refunds"]["data"][0]["status"] == "succeeded"
    assert body["line_items"]["data"][0]["price"]["unit_amount"] == 1500


def test_a_wrong_object_would_be_found(world: World) -> None:
    (good,) = world.call("GET", "/v1/charges", limit=1)["data"]

    def found(**changes: Any) -> list[str]:
        return list(faults(stripe.Charge, good | changes, "charge"))

    assert found() == []
    assert found(surprise=1) == ["charge.surprise is not declared"]
    assert found(status="done")
    assert found(amount="1500")
    assert found(amount=True)
    assert found(captured=None)
    assert found(metadata={"n": 1})
    assert found(billing_details=good["billing_details"] | {"fax": None}) == [
        "charge.billing_details.fax is not declared"
    ]
    without = {name: value for name, value in good.items() if name != "receipt_url"}
    assert list(faults(stripe.Charge, without, "charge")) == ["charge.receipt_url is missing"]


def test_ids_have_their_shapes_and_lead_to_each_other(world: World) -> None:
    seen = world.seen
    for one in seen.values():
        if one["object"] in ID_SHAPES:
            assert re.fullmatch(ID_SHAPES[one["object"]], one["id"]), one["id"]

    def of(kind: str) -> list[Json]:
        found = [one for one in seen.values() if one["object"] == kind]
        assert found, kind
        return found

    for session in of("checkout.session"):
        intent = seen.get(session["payment_intent"] or "")
        if intent:
            assert (intent["amount"], intent["customer"]) == (session["amount_total"], session["customer"])
    for charge in of("charge"):
        intent = seen[charge["payment_intent"]]
        assert charge["paid"] == (intent["status"] == "succeeded") or intent["latest_charge"] != charge["id"]
        assert charge["payment_method"] == intent["payment_method"] or intent["latest_charge"] != charge["id"]
        assert (charge["balance_transaction"] is None) == (not charge["paid"])
        assert charge["id"].startswith("ch_" if "card" in charge["payment_method_details"] else "py_")
        refunds = [one for one in of("refund") if one["charge"] == charge["id"]]
        kept = [one["amount"] for one in refunds if one["status"] not in ("failed", "canceled")]
        assert charge["amount_refunded"] == sum(kept)
        assert charge["disputed"] == any(one["charge"] == charge["id"] for one in of("dispute"))
    for refund in of("refund"):
        assert seen[refund["charge"]]["payment_intent"] == refund["payment_intent"]
        assert (refund["failure_balance_transaction"] is None) == (refund["status"] not in ("failed", "canceled"))
    for dispute in of("dispute"):
        assert seen[dispute["charge"]]["payment_intent"] == dispute["payment_intent"]
        assert [one["source"] for one in dispute["balance_transactions"]] in ([dispute["id"]], [dispute["id"]] * 2)
    for booked in of("balance_transaction"):
        source = seen[booked["source"]]
        assert abs(booked["amount"]) == source["amount"]
        assert booked["net"] == booked["amount"] - booked["fee"]
        assert booked["fee"] == sum(detail["amount"] for detail in booked["fee_details"])
        assert booked["id"] in str(source)
