"""Events: a snapshot of an object at a moment, and its deliveries."""

from __future__ import annotations

import copy

import stripe

from sandbox.stripe import clock, ids, lists
from sandbox.stripe.call import Call
from sandbox.stripe.store import Json, Tx, public

API_VERSION = stripe.api_version

_PENDING = "(SELECT count(*) FROM deliveries d WHERE d.event = objects.id AND d.state != 'delivered')"
_FILTERS: lists.Filters = {
    "type": lists.field("type"),
    "types": "json_extract(body, '$.type') IN (SELECT value FROM json_each(?))",
    "delivery_success": f"({_PENDING} = 0) = ?",
}


def emit(
    tx: Tx,
    type_: str,
    subject: Json,
    *,
    session: str | None,
    call: Call | None = None,
    previous: Json | None = None,
) -> Json:
    """Record that something happened to `subject`, and queue a delivery to every endpoint that listens.

    `session` ties the event to its Checkout Session for the control page; `previous` holds the old values of
    what an update changed.
    """
    data: Json = {"object": copy.deepcopy(public(subject))}
    if previous:
        data["previous_attributes"] = previous
    event = tx.add(
        {
            "id": ids.new("event"),
            "object": "event",
            "api_version": API_VERSION,
            "created": clock.now(),
            "data": data,
            "livemode": False,
            "pending_webhooks": 0,
            "request": {
                "id": call.request_id if call else None,
                "idempotency_key": call.idempotency_key if call else None,
            },
            "type": type_,
            "_sandbox": {"session": session},
        }
    )
    deliver(tx, event)
    return event


def deliver(tx: Tx, event: Json) -> None:
    """Queue the event for every enabled endpoint that wants its type."""
    for endpoint in tx.find("webhook_endpoint", order="seq"):
        wants = {"*", event["type"]} & set(endpoint["enabled_events"])
        if wants and endpoint["status"] == "enabled":
            tx.run(
                "INSERT INTO deliveries (event, endpoint, due) VALUES (?, ?, ?)",
                (event["id"], endpoint["id"], clock.exact()),
            )


def fresh(tx: Tx, event: Json) -> Json:
    """Give the event with the number of deliveries still owed."""
    sql = "SELECT count(*) AS n FROM deliveries WHERE event = ? AND state != 'delivered'"
    return public(event) | {"pending_webhooks": tx.run(sql, (event["id"],)).fetchone()["n"]}


def retrieve(call: Call, event: str) -> Json:
    """GET /v1/events/<id>."""
    return fresh(call.tx, call.find("event", event))


def list_(call: Call) -> Json:
    """GET /v1/events."""
    page = lists.page(call.tx, "event", call.params, call.path, _FILTERS)
    page["data"] = [fresh(call.tx, event) for event in page["data"]]
    return page
