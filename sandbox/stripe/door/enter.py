"""The API's one door: every call is let in, checked, run, answered and recorded here, faults included."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from functools import partial

from flask import Blueprint, Response, jsonify, request

from sandbox.serve import reset
from sandbox.stripe import ids
from sandbox.stripe.call import Call
from sandbox.stripe.door import calls, contract, expand, faults, forms, idempotency, keys, limits, versions
from sandbox.stripe.door.routes import ROUTES, Route
from sandbox.stripe.errors import ApiError, NotFoundError, RateLimitError
from sandbox.stripe.objects import shapes_by_version
from sandbox.stripe.running import store
from sandbox.stripe.store import Json

blueprint = Blueprint("api", __name__)
_log = logging.getLogger(__name__)

_BROKEN: idempotency.Answer = (
    500,
    {"error": {"type": "api_error", "message": "An unknown error occurred"}},
)
_SERVER_ERROR = 500
# Stripe leaves the decision about these to the client: they may pass.
_MAY_PASS = (409, 429)


@dataclass
class Asked:
    """One call at the door: what came, and what is found out about it on its way in."""

    route: Route | None
    path_ids: dict[str, str]
    fault: str
    request_id: str = field(default_factory=lambda: ids.new("request"))
    version: str = shapes_by_version.LATEST
    replayed: bool = False
    unknown: bool = False
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def idempotency_key(self) -> str | None:
        """The key, which only a POST has."""
        return request.headers.get("Idempotency-Key") if request.method == "POST" else None


def enter(route: Route | None, **path_ids: str) -> Response:
    """Answer one call (`route` None: an unknown URL) in Stripe's shape, whatever happens."""
    request.get_data(parse_form_data=True)  # a connection is reset only after all of the request was read
    fault = faults.take(store(), request.method, request.path) or {"kind": "", "seconds": 0.0}
    asked = Asked(route, path_ids, fault["kind"])
    if fault["kind"] == "latency":
        time.sleep(fault["seconds"])
    status, body = _BROKEN if fault["kind"] == "reset_before" else _answer(asked)
    silent = fault["kind"] in faults.SILENT
    _record(asked, calls.NO_ANSWER if silent else status, {} if silent else body)
    if fault["kind"] == "timeout":
        faults.hold(request.environ["werkzeug.socket"], fault["seconds"])
    return Response(reset()) if silent else _response(asked, status, body)


def _answer(asked: Asked) -> idempotency.Answer:
    try:
        return _admit(asked)
    except ApiError as error:
        asked.unknown = error.unknown
        if isinstance(error, RateLimitError):
            asked.headers["stripe-rate-limited-reason"] = error.reason
        return error.status, error.body()


def _admit(asked: Asked) -> idempotency.Answer:
    route = asked.route
    with store().read() as tx:
        key = keys.admit(tx, request.headers.get("Authorization", ""))
        limits.spend(tx, f"{route.method} {route.path}" if route else None)
    if asked.fault == "429":
        raise RateLimitError("global-rate")
    asked.version = versions.read(request.headers.get("Stripe-Version"))
    if route is None:
        raise NotFoundError(f"Unrecognized request URL ({request.method}: {request.path}).", unknown=True)
    key.demand(route.resource, "read" if route.method == "GET" else "write")
    source = request.form if route.method == "POST" else request.args
    tree = forms.decode(source.items(multi=True))
    run = partial(_run, asked, route, key, tree)
    if asked.idempotency_key is None:
        return run()
    print_ = idempotency.fingerprint(request.path, tree)
    answer, asked.replayed = idempotency.once(store(), asked.idempotency_key, print_, run)
    return answer


def _run(asked: Asked, route: Route, key: keys.Key, tree: forms.Tree) -> idempotency.Answer:
    tree = versions.today(route.params, tree, asked.version)
    try:
        params = contract.check(route.params, tree)
        if asked.fault == "500_before":
            return _BROKEN
        with store().read() if route.method == "GET" else store().write() as tx:
            call = Call(tx, params, request.path, asked.request_id, asked.idempotency_key)
            body = expand.render(tx, route.answer(call, **asked.path_ids), params.get("expand", []), key)
            body = shapes_by_version.render(tx, body, asked.version)
    except ApiError as error:
        versions.in_words_of(error, route.params, asked.version)
        raise
    except Exception:  # noqa: BLE001  (whatever broke becomes a 500, like Stripe's)
        _log.exception("%s %s broke", route.method, request.path)
        asked.unknown = True
        return _BROKEN
    return _BROKEN if asked.fault == "500_after" else (200, body)


def _record(asked: Asked, status: int, body: Json) -> None:
    authorization = request.headers.get("Authorization", "")
    call = {
        "method": request.method,
        "path": request.path,
        "route": asked.route and f"{asked.route.method} {asked.route.path}",
        "status": status,
        "version": request.headers.get("Stripe-Version"),
        "key": keys.masked(authorization.removeprefix("Bearer ")) if authorization else None,
        "error": body.get("error"),
        "unknown": asked.unknown,
    }
    calls.record(store(), call)


def _response(asked: Asked, status: int, body: Json) -> Response:
    response = jsonify(body)
    response.status_code = status
    response.headers.update({"request-id": asked.request_id, "stripe-version": asked.version} | asked.headers)
    if asked.idempotency_key:
        response.headers["idempotency-key"] = asked.idempotency_key
    if asked.replayed:
        response.headers["idempotent-replayed"] = "true"
    # A repeat with the same key would only be told the same again: so says stripe-python where it reads the header.
    kept = asked.idempotency_key is not None or status < _SERVER_ERROR
    if status >= 400 and status not in _MAY_PASS and kept:  # noqa: PLR2004  (4xx and 5xx)
        response.headers["stripe-should-retry"] = "false"
    return response


for _number, _route in enumerate(ROUTES):
    blueprint.add_url_rule(
        _route.path, endpoint=f"{_number}", view_func=partial(enter, _route), methods=[_route.method]
    )
blueprint.add_url_rule(
    "/v1/<path:rest>", endpoint="unknown", view_func=partial(enter, None), methods=["GET", "POST", "DELETE"]
)
