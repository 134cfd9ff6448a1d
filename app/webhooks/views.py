"""Stripe's events come in: verify, store (which is to enqueue, decision 010), answer (security-bar 2.1)."""

from typing import Any

import structlog
from flask import Blueprint, Response, request

from app.gateways.stripe import API_VERSION, BadSignatureError
from app.portal import portal
from app.web.health import AT_SCRAPE, WEBHOOKS, note_clock
from app.web.logs import one_line
from app.webhooks.metrics import measure
from app.webhooks.service import take

blueprint = Blueprint("webhooks", __name__)
CSRF_EXEMPT = True
AT_SCRAPE.append(measure)

MAX_BYTES = 256 * 1024

log = structlog.get_logger()


@blueprint.post("/webhooks/stripe")
def stripe() -> Response:
    """Answer 200 once the event is safe; 400, 411 or 413 for what Stripe did not send."""
    request.max_content_length = MAX_BYTES
    if request.content_length is None or request.headers.get("Transfer-Encoding"):
        return _refuse(411, "no_length")
    if request.content_length > MAX_BYTES:
        return _refuse(413, "too_long")
    if request.headers.get("Content-Encoding", "identity") != "identity":
        return _refuse(400, "encoded")
    body = request.get_data(cache=False)
    if len(body) != request.content_length:
        return _refuse(400, "truncated")
    try:
        event = portal.stripe.verify_event(body, request.headers.get("Stripe-Signature", ""), portal.clock())
    except BadSignatureError as error:
        # A clock that is wrong looks like this for every event, so it is counted by itself (fault C1).
        skewed = str(error) == "clock"
        note_clock(off=skewed)
        return _refuse(400, "clock_skew" if skewed else "bad_signature")
    note_clock(off=False)
    outcome = take(event, body.decode())
    WEBHOOKS.labels(outcome).inc()
    _warn(event, outcome)
    return Response("ok\n", mimetype="text/plain")


def _refuse(status: int, outcome: str) -> Response:
    WEBHOOKS.labels(outcome).inc()
    return Response(f"{outcome}\n", status=status, mimetype="text/plain")


def _warn(event: dict[str, Any], outcome: str) -> None:
    if outcome in {"other_mode", "other_account"}:
        log.error("webhook.not_for_us", event_id=event["id"], why=outcome)
    if event.get("api_version") != API_VERSION:
        WEBHOOKS.labels("other_version").inc()
        log.warning("webhook.other_version", event_id=event["id"], version=one_line(str(event.get("api_version"))))
