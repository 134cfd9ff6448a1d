"""Webhook endpoints: where events are sent, and the secrets that sign them.

Stripe accepts plain http in test mode (https://docs.stripe.com/webhooks), which is all that the stand-in has;
unlike Stripe it also sends to loopback, for that is where the shop under test lives.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from sandbox.stripe import clock, ids, lists
from sandbox.stripe.call import Call
from sandbox.stripe.errors import InvalidRequestError, NotFoundError
from sandbox.stripe.objects import shapes_by_version
from sandbox.stripe.objects.metadata import merged
from sandbox.stripe.store import Json, Tx, public

DEFAULT_ID = "we_1SandboxDefaultEndpoint0"
# The number and the words as a user met them: https://github.com/getlago/lago-api/pull/2154
MAX_ENDPOINTS = 16
# A rolled secret lives on for up to a day (https://docs.stripe.com/webhooks#roll-endpoint-secrets).
MAX_ROLL_SECONDS = 24 * 3600


def ensure_default(tx: Tx, url: str, secret: str) -> None:
    """Make the endpoint of the environment exist with today's URL and secret; without a URL there is none.

    A secret that was rolled since stays, unless the environment brings another one than before.
    """
    endpoint = tx.get(DEFAULT_ID)
    if not url:
        if endpoint:
            remove(tx, DEFAULT_ID)
        return
    _check_url(url)
    endpoint = endpoint or tx.add(_body(DEFAULT_ID, {"url": url, "enabled_events": ["*"]}) | {"_sandbox": {}})
    if endpoint["_sandbox"].get("given") != secret:
        endpoint["_sandbox"] = {"secret": secret, "given": secret}
    tx.save(endpoint | {"url": url, "api_version": shapes_by_version.LATEST})


def add(tx: Tx, params: Json, secret: str) -> Json:
    """Store an endpoint (`url`, `enabled_events`, maybe `api_version`) with a secret that the caller knows already."""
    _check(params)
    return tx.add(_body(ids.new("webhook_endpoint"), params) | {"_sandbox": {"secret": secret}})


def find(tx: Tx, endpoint_id: str) -> Json:
    """Give an endpoint or raise NotFoundError."""
    endpoint = tx.get(endpoint_id, "webhook_endpoint")
    if endpoint is None:
        raise NotFoundError(f"No such webhook endpoint: '{endpoint_id}'", code="resource_missing", param="id")
    return endpoint


def remove(tx: Tx, endpoint_id: str) -> Json:
    """Forget an endpoint and what it was still owed."""
    tx.delete(endpoint_id)
    tx.run("DELETE FROM deliveries WHERE endpoint = ? AND state != 'delivered'", (endpoint_id,))
    return {"id": endpoint_id, "object": "webhook_endpoint", "deleted": True}


def secrets(endpoint: Json, now: float) -> list[str]:
    """Give what signs at `now`: the newest secret first, then rolled ones whose time is not over."""
    private = endpoint["_sandbox"]
    return [private["secret"]] + [old["secret"] for old in private.get("old", []) if now < old["until"]]


def roll(tx: Tx, endpoint_id: str, seconds: float) -> Json:
    """Give the endpoint a new secret beside the present one, which goes on signing for `seconds`.

    Raises NotFoundError, or InvalidRequestError for more than a day.
    """
    endpoint = find(tx, endpoint_id)
    if seconds > MAX_ROLL_SECONDS:
        raise InvalidRequestError(f"A rolled secret lives {MAX_ROLL_SECONDS} seconds at most.", param="seconds")
    private = endpoint["_sandbox"]
    now = clock.exact()
    kept = [old for old in private.get("old", []) if now < old["until"]]
    retired = {"secret": private["secret"], "until": now + seconds}
    endpoint["_sandbox"] = private | {"secret": ids.webhook_secret(), "old": [retired, *kept]}
    return tx.save(endpoint)


def _body(endpoint_id: str, params: Json) -> Json:
    return {
        "id": endpoint_id,
        "object": "webhook_endpoint",
        # Null: the account's default version, which is the latest here.
        "api_version": params.get("api_version"),
        "application": None,
        "created": clock.now(),
        "description": params.get("description") or None,
        "enabled_events": params["enabled_events"],
        "livemode": False,
        "metadata": merged({}, params.get("metadata", {})),
        "status": "enabled",
        "url": params["url"],
    }


def create(call: Call) -> Json:
    """POST /v1/webhook_endpoints: the only answer that shows the secret."""
    if len(call.tx.find("webhook_endpoint")) >= MAX_ENDPOINTS:
        raise InvalidRequestError(f"You have reached the maximum of {MAX_ENDPOINTS} test webhook endpoints.")
    secret = ids.webhook_secret()
    return public(add(call.tx, call.params, secret)) | {"secret": secret}


def update(call: Call, endpoint: str) -> Json:
    """POST /v1/webhook_endpoints/<id>."""
    body = call.find("webhook_endpoint", endpoint)
    params = call.params
    _check(params)
    body |= {name: params[name] for name in ("url", "enabled_events") if name in params}
    if "description" in params:
        body["description"] = params["description"] or None
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


def _check(params: Json) -> None:
    """Refuse what the parameter types let through. Raises InvalidRequestError."""
    if "url" in params:
        _check_url(params["url"])
    version = params.get("api_version")
    if version and not shapes_by_version.known(version):
        raise InvalidRequestError(
            f"The Stripe stand-in renders no API version before {shapes_by_version.OLDEST}: {version}",
            param="api_version",
        )


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise InvalidRequestError("Invalid URL: An explicit scheme (such as https) must be provided.", param="url")
    if not parts.hostname:
        raise InvalidRequestError("Not a valid URL", code="url_invalid", param="url")
