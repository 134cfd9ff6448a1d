"""The control page: the newest sessions, each with what can happen to it."""

from __future__ import annotations

from flask import jsonify, render_template, request
from flask.typing import ResponseReturnValue

from sandbox.stripe import switches
from sandbox.stripe.control import (  # noqa: F401  (they register moments)
    charges,
    deliveries,
    disputes,
    events,
    refunds,
    sessions,
    settings,
    time,
)
from sandbox.stripe.control.moments import blueprint
from sandbox.stripe.errors import ApiError
from sandbox.stripe.running import store
from sandbox.stripe.store import Json, Tx

__all__ = ["blueprint"]
SHOWN = 50


@blueprint.get("")
def page(error: str = "") -> ResponseReturnValue:
    """Show the newest sessions, each with its voucher, refunds and events."""
    with store().read() as tx:
        found = tx.find("checkout.session", order=f"seq DESC LIMIT {SHOWN}")
        cards = [_card(tx, session) for session in found]
        paused = switches.get(tx, "webhooks_paused")
    return render_template("control.html", cards=cards, paused=paused, error=error), 400 if error else 200


def _card(tx: Tx, session: Json) -> Json:
    intent = tx.get(session["payment_intent"] or "")
    found = tx.find("event", "json_extract(body, '$._sandbox.session') = ?", (session["id"],))
    return {
        "session": session,
        "voucher": intent["status"] == "requires_action" if intent else False,
        "refunds": tx.find("refund", "json_extract(body, '$.payment_intent') = ?", (intent["id"],)) if intent else [],
        "events": [events.with_deliveries(tx, event) for event in found],
    }


@blueprint.errorhandler(ApiError)
def refused(error: ApiError) -> ResponseReturnValue:
    """Say why it cannot be done: in JSON to tests, on the page to people."""
    if request.path.startswith("/_control/api/"):
        return jsonify(error.body()), error.status
    return page(error.message)
