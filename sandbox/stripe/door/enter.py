"""The API's one door: every call is let in, checked, run and answered here."""

from __future__ import annotations

import logging
import re
from functools import partial

from flask import Blueprint, Response, jsonify, request

from sandbox.stripe import ids
from sandbox.stripe.call import Call
from sandbox.stripe.door import contract, expand, forms, idempotency
from sandbox.stripe.door.routes import ROUTES, Route
from sandbox.stripe.errors import ApiError, AuthenticationError, InvalidRequestError, NotFoundError
from sandbox.stripe.objects.event import API_VERSION
from sandbox.stripe.running import store

blueprint = Blueprint("api", __name__)
_log = logging.getLogger(__name__)


def enter(route: Route | None, **path_ids: str) -> Response:
    """Answer one call (`route` None: an unknown URL) in Stripe's shape, whatever happens."""
    request_id = ids.new("request")
    replayed = False
    try:
        (status, body), replayed = _admit(route, path_ids, request_id)
    except ApiError as error:
        status, body = error.status, error.body()
    response = jsonify(body)
    response.status_code = status
    response.headers["request-id"] = request_id
    response.headers["stripe-version"] = API_VERSION
    key = request.headers.get("Idempotency-Key")
    if key and request.method == "POST":
        response.headers["idempotency-key"] = key
        if replayed:
            response.headers["idempotent-replayed"] = "true"
    return response


def _admit(route: Route | None, path_ids: dict[str, str], request_id: str) -> tuple[idempotency.Answer, bool]:
    _authenticate()
    version = request.headers.get("Stripe-Version", API_VERSION)
    if version != API_VERSION:
        raise InvalidRequestError(f"The Stripe stand-in speaks only API version {API_VERSION}, not {version}.")
    if route is None:
        raise NotFoundError(f"Unrecognized request URL ({request.method}: {request.path}).")
    source = request.form if route.method == "POST" else request.args
    tree = forms.decode(source.items(multi=True))
    key = request.headers.get("Idempotency-Key") if route.method == "POST" else None
    run = partial(_run, route, path_ids, tree, request_id, key)
    if key is None:
        return run(), False
    return idempotency.once(store(), key, idempotency.fingerprint(request.path, tree), run)


def _authenticate() -> None:
    match = re.fullmatch(r"Bearer\s+(\S+)", request.headers.get("Authorization", ""))
    if not match:
        raise AuthenticationError(
            "You did not provide an API key. You need to provide your API key in the Authorization header, "
            "using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
        )
    if not re.fullmatch(r"(sk|rk)_test_\w+", match[1]):
        raise AuthenticationError(f"Invalid API Key provided: {match[1][:8]}****")


def _run(
    route: Route, path_ids: dict[str, str], tree: forms.Tree, request_id: str, key: str | None
) -> idempotency.Answer:
    try:
        params = contract.check(route.params, tree)
        with store().read() if route.method == "GET" else store().write() as tx:
            body = route.answer(Call(tx, params, request.path, request_id, key), **path_ids)
            return 200, expand.render(tx, body, params.get("expand", []))
    except ApiError:
        raise
    except Exception:  # noqa: BLE001  (whatever broke becomes a 500, like Stripe's)
        _log.exception("%s %s broke", route.method, request.path)
        message = "The Stripe stand-in broke; its log says where."
        return 500, {"error": {"type": "api_error", "message": message}}


for _number, _route in enumerate(ROUTES):
    blueprint.add_url_rule(
        _route.path, endpoint=f"{_number}", view_func=partial(enter, _route), methods=[_route.method]
    )
blueprint.add_url_rule(
    "/v1/<path:rest>", endpoint="unknown", view_func=partial(enter, None), methods=["GET", "POST", "DELETE"]
)
