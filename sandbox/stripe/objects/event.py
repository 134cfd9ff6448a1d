"""Events: a snapshot of an object at a moment, and its deliveries (https://docs.stripe.com/api/events)."""

from __future__ import annotations

import copy
import re

from sandbox.stripe import clock, ids, lists, plans
from sandbox.stripe.call import Call
from sandbox.stripe.errors import InvalidRequestError, NotFoundError
from sandbox.stripe.objects.shapes_by_version import LATEST, render
from sandbox.stripe.store import Json, Tx, public

KEPT_SECONDS = 30 * 24 * 3600
MAX_TYPES = 20

# The endpoints that an event was meant for and that have not taken it yet.
_OWED = """(SELECT count(DISTINCT endpoint) FROM deliveries d WHERE d.event = {event} AND NOT EXISTS (
    SELECT 1 FROM deliveries o WHERE o.event = d.event AND o.endpoint = d.endpoint AND o.state = 'delivered'))"""
_FILTERS: lists.Filters = {
    "type": "json_extract(body, '$.type') GLOB ?",
    "types": "json_extract(body, '$.type') IN (SELECT value FROM json_each(?))",
    "delivery_success": f"({_OWED.format(event='objects.id')} = 0) = ?",
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
    what an update changed. An event that a plan wants ungenerated is given back, but nowhere to be found.
    """
    data: Json = {"object": copy.deepcopy(public(subject))}
    if previous:
        data["previous_attributes"] = previous
    event = {
        "id": ids.new("event"),
        "object": "event",
        "api_version": LATEST,
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
    if plans.take(tx, "ungenerated", type_):
        return event
    _publish(tx, event)
    if plans.take(tx, "twin", type_):
        _publish(tx, copy.deepcopy(event) | {"id": ids.new("event")})
    return event


def _publish(tx: Tx, event: Json) -> None:
    old = plans.take(tx, "old_version", event["type"])
    version = old["api_version"] if old else None
    versions = {version or endpoint["api_version"] or LATEST for endpoint in _listeners(tx, event)}
    data = event["data"]["object"]
    shapes = {one: render(tx, data, one) for one in versions if one != LATEST}
    event["_sandbox"] |= {"version": version, "shapes": shapes}
    tx.add(event)
    delay = plans.take(tx, "delay", event["type"])
    twice = plans.take(tx, "duplicate", event["type"])
    for _ in range(2 if twice else 1):
        deliver(tx, event, clock.exact() + (delay["seconds"] if delay else 0))


def _listeners(tx: Tx, event: Json) -> list[Json]:
    """Give the enabled endpoints that want the event; one that is disabled loses what happens meanwhile."""
    return [
        endpoint
        for endpoint in tx.find("webhook_endpoint", order="seq")
        if endpoint["status"] == "enabled" and {"*", event["type"]} & set(endpoint["enabled_events"])
    ]


def deliver(tx: Tx, event: Json, due: float | None = None) -> None:
    """Queue the event for every endpoint that listens, at `due` (seconds since 1970; None: now)."""
    for endpoint in _listeners(tx, event):
        tx.run(
            "INSERT INTO deliveries (event, endpoint, due) VALUES (?, ?, ?)",
            (event["id"], endpoint["id"], clock.exact() if due is None else due),
        )


def payload(tx: Tx, event: Json, endpoint: Json) -> Json:
    """Give the event in the API version of the endpoint, which decides its shape."""
    version = event["_sandbox"].get("version") or endpoint["api_version"] or LATEST
    shown = fresh(tx, event)
    if version != LATEST:
        data = event["data"]
        shape = event["_sandbox"].get("shapes", {}).get(version) or render(tx, data["object"], version)
        shown |= {"api_version": version, "data": data | {"object": shape}}
    return shown


def fresh(tx: Tx, event: Json) -> Json:
    """Give the event with the number of endpoints that have not taken it (failed for good ones too)."""
    sql = f"SELECT {_OWED.format(event='?')} AS n"
    return public(event) | {"pending_webhooks": tx.run(sql, (event["id"],)).fetchone()["n"]}


def _oldest(now: int) -> int:
    return now - KEPT_SECONDS


def find(call: Call, event_id: str, param: str = "id") -> Json:
    """Give an event of the last 30 days, or raise NotFoundError."""
    event = call.find("event", event_id, param)
    if event["created"] < _oldest(call.now):
        raise NotFoundError(f"No such event: '{event_id}'", code="resource_missing", param=param)
    return event


def retrieve(call: Call, event: str) -> Json:
    """GET /v1/events/<id>."""
    return fresh(call.tx, find(call, event))


def list_(call: Call) -> Json:
    """GET /v1/events: those of the last 30 days. `type` may have wildcards, `types` names up to 20."""
    params = dict(call.params)
    if {"type", "types"} <= params.keys():
        raise InvalidRequestError("You may pass either `type` or `types`, but not both.", param="types")
    if len(params.get("types", [])) > MAX_TYPES:
        raise InvalidRequestError(f"Array too long: at most {MAX_TYPES} types may be given.", param="types")
    if "type" in params:
        # Of what GLOB reads as a pattern, Stripe knows only the star.
        params["type"] = re.sub(r"[\[?]", r"[\g<0>]", params["type"])
    for cursor in {"starting_after", "ending_before"} & params.keys():
        find(call, params[cursor], cursor)
    params["created"] = _within(params.get("created"), _oldest(call.now))
    page = lists.page(call.tx, "event", params, call.path, _FILTERS)
    page["data"] = [fresh(call.tx, event) for event in page["data"]]
    return page


def _within(created: int | dict[str, int] | None, oldest: int) -> dict[str, int]:
    bounds = {"gte": created, "lte": created} if isinstance(created, int) else dict(created or {})
    return bounds | {"gte": max(bounds.get("gte", oldest), oldest)}
