"""Events, their deliveries, and the endpoints that hear them."""

from __future__ import annotations

from stripe.params import WebhookEndpointCreateParams

from sandbox.stripe import ids
from sandbox.stripe.control.deliveries import words
from sandbox.stripe.control.moments import Fields, moment
from sandbox.stripe.door import contract
from sandbox.stripe.door.forms import Tree
from sandbox.stripe.objects import event as events
from sandbox.stripe.objects import webhook_endpoint
from sandbox.stripe.running import store
from sandbox.stripe.store import Json, Tx, public


def with_deliveries(tx: Tx, event: Json) -> Json:
    """Give the event as Stripe shows it, with what became of it at each endpoint."""
    sql = "SELECT state, attempts, answer, endpoint, due FROM deliveries WHERE event = ? ORDER BY id"
    deliveries = [dict(row) for row in tx.run(sql, (event["id"],)).fetchall()]
    return events.fresh(tx, event) | {"deliveries": deliveries}


@moment("events", "GET")
def list_events(_fields: Fields) -> list[Json]:
    """Give all events with their deliveries, newest first."""
    with store().read() as tx:
        return [with_deliveries(tx, event) for event in tx.find("event")]


@moment("events/<event_id>/redeliver")
def redeliver(_fields: Fields, event_id: str) -> Json:
    """Send an event once more to every endpoint that wants it."""
    with store().write() as tx:
        event = tx.need(event_id, "event")
        events.deliver(tx, event)
        return with_deliveries(tx, event)


@moment("endpoints")
def add_endpoint(fields: Fields) -> Json:
    """Add a webhook endpoint whose `secret` is known beforehand.

    `url`; `enabled_events` (a list, or a text with commas; all); `api_version` (the latest).
    """
    wanted: Tree = {"url": fields.text("url")}
    wanted["enabled_events"] = {str(n): name for n, name in enumerate(words(fields, "enabled_events", "*"))}
    if fields.text("api_version"):
        wanted["api_version"] = fields.text("api_version")
    params = contract.check(WebhookEndpointCreateParams, wanted)
    with store().write() as tx:
        return public(webhook_endpoint.add(tx, params, fields.text("secret", ids.webhook_secret())))


@moment("endpoints/<endpoint_id>/roll")
def roll_secret(fields: Fields, endpoint_id: str) -> Json:
    """Make a new secret; the old one signs beside it for `seconds` (a day). Gives `{"secret": the new one}`."""
    seconds = fields.number("seconds", webhook_endpoint.MAX_ROLL_SECONDS)
    with store().write() as tx:
        return {"secret": webhook_endpoint.roll(tx, endpoint_id, seconds)["_sandbox"]["secret"]}


@moment("endpoints/<endpoint_id>/delete")
def remove_endpoint(_fields: Fields, endpoint_id: str) -> Json:
    """Forget a webhook endpoint."""
    with store().write() as tx:
        return webhook_endpoint.remove(tx, webhook_endpoint.find(tx, endpoint_id)["id"])
