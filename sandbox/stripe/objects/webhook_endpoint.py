"""Webhook endpoints: where events are sent, and the secret that signs them."""

from __future__ import annotations

from urllib.parse import urlsplit

from sandbox.stripe import clock, ids, lists
from sandbox.stripe.call import Call
from sandbox.stripe.errors import InvalidRequestError
from sandbox.stripe.objects.event import API_VERSION
from sandbox.stripe.objects.metadata import merged
from sandbox.stripe.store import Json, Tx

DEFAULT_ID = "we_1SandboxDefaultEndpoint0"


def ensure_default(tx: Tx, url: str, secret: str) -> None:
    """Make the endpoint of the environment exist with today's URL and secret; without a URL there is none."""
    endpoint = tx.get(DEFAULT_ID)
    if url:
        _check_url(url)
        endpoint = endpoint or tx.add(_body(DEFAULT_ID, url, ["*"]))
        tx.save(endpoint | {"url": url, "_sandbox": {"secret": secret}})
    elif endpoint:
        remove(tx, DEFAULT_ID)


def add(tx: Tx, url: str, secret: str) -> Json:
    """Store an endpoint that hears every event, with a secret that the caller knows already."""
    _check_url(url)
    return tx.add(_body(ids.new("webhook_endpoint"), url, ["*"]) | {"_sandbox": {"secret": secret}})


def remove(tx: Tx, endpoint_id: str) -> Json:
    """Forget an endpoint and what it was still owed."""
    tx.delete(endpoint_id)
    tx.run("DELETE FROM deliveries WHERE endpoint = ? AND state != 'delivered'", (endpoint_id,))
    return {"id": endpoint_id, "object": "webhook_endpoint", "deleted": True}


def _body(endpoint_id: str, url: str, enabled_events: list[str]) -> Json:
    return {
        "id": endpoint_id,
        "object": "webhook_endpoint",
        "api_version": API_VERSION,
        "application": None,
        "created": clock.now(),
        "description": None,
        "enabled_events": enabled_events,
        "livemode": False,
        "metadata": {},
        "status": "enabled",
        "url": url,
    }


def create(call: Call) -> Json:
    """POST /v1/webhook_endpoints: the only answer that shows the secret."""
    params = call.params
    if params.get("api_version", API_VERSION) != API_VERSION:
        raise InvalidRequestError(f"The Stripe stand-in knows only API version {API_VERSION}.", param="api_version")
    _check_url(params["url"])
    body = _body(ids.new("webhook_endpoint"), params["url"], params["enabled_events"])
    body |= {"description": params.get("description"), "metadata": merged({}, params.get("metadata", {}))}
    secret = ids.webhook_secret()
    call.tx.add(body | {"_sandbox": {"secret": secret}})
    return body | {"secret": secret}


def update(call: Call, endpoint: str) -> Json:
    """POST /v1/webhook_endpoints/<id>."""
    body = call.find("webhook_endpoint", endpoint)
    params = call.params
    if "url" in params:
        _check_url(params["url"])
    body |= {name: params[name] for name in ("url", "enabled_events", "description") if name in params}
    if "disabled" in params:
        body["status"] = "disabled" if params["disabled"] else "enabled"
    body["metadata"] = merged(body["metadata"], params.get("metadata", {}))
    return call.tx.save(body)


def retrieve(call: Call, endpoint: str) -> Json:
    """GET /v1/webhook_endpoints/<id>."""
    return call.find("webhook_endpoint", endpoint)


def list_(call: Call) -> Json:
    """GET /v1/webhook_endpoints."""
    return lists.page(call.tx, "webhook_endpoint", call.params, call.path, {})


def delete(call: Call, endpoint: str) -> Json:
    """DELETE /v1/webhook_endpoints/<id>."""
    return remove(call.tx, call.find("webhook_endpoint", endpoint)["id"])


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidRequestError("Invalid URL: An explicit scheme (such as https) must be provided.", param="url")
