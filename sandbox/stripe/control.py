"""The control page (for people) and the control API (for tests): what happens outside the shop's sight."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sandbox.stripe import actions
from sandbox.stripe.api import store
from sandbox.stripe.errors import ApiError, NotFoundError
from sandbox.stripe.objects import event as events
from sandbox.stripe.objects import refund as refunds
from sandbox.stripe.objects import webhook_endpoint
from sandbox.stripe.store import Json, Tx, public

blueprint = Blueprint("control", __name__, url_prefix="/_control")
SHOWN = 50


@blueprint.get("")
def page(error: str = "") -> ResponseReturnValue:
    """Show the newest sessions, each with its voucher, refunds and events."""
    with store().read() as tx:
        sessions = tx.find("checkout.session", order=f"seq DESC LIMIT {SHOWN}")
        cards = [_card(tx, session) for session in sessions]
        paused = tx.setting("webhooks_paused", default=False)
    return render_template("control.html", cards=cards, paused=paused, error=error), 400 if error else 200


def _card(tx: Tx, session: Json) -> Json:
    intent = tx.get(session["payment_intent"] or "")
    found = tx.find("event", "json_extract(body, '$._sandbox.session') = ?", (session["id"],))
    return {
        "session": session,
        "voucher": intent["status"] == "requires_action" if intent else False,
        "refunds": tx.find("refund", "json_extract(body, '$.payment_intent') = ?", (intent["id"],)) if intent else [],
        "events": [_with_deliveries(tx, event) for event in found],
    }


def _with_deliveries(tx: Tx, event: Json) -> Json:
    sql = "SELECT state, attempts, answer, endpoint FROM deliveries WHERE event = ? ORDER BY id"
    deliveries = [dict(row) for row in tx.run(sql, (event["id"],)).fetchall()]
    return events.fresh(tx, event) | {"deliveries": deliveries}


@blueprint.get("/api/sessions")
def list_sessions() -> ResponseReturnValue:
    """Give all sessions, newest first."""
    with store().read() as tx:
        return jsonify([public(session) for session in tx.find("checkout.session")])


@blueprint.get("/api/events")
def list_events() -> ResponseReturnValue:
    """Give all events with their deliveries, newest first."""
    with store().read() as tx:
        return jsonify([_with_deliveries(tx, event) for event in tx.find("event")])


@blueprint.post("/api/sessions/<session_id>/<action>")
def act(session_id: str, action: str) -> ResponseReturnValue:
    """Do one of actions.ACTIONS (or pay_card) to a session and give the session."""
    return jsonify(actions.run(store(), session_id, action, _json()))


@blueprint.post("/api/events/<event_id>/redeliver")
def redeliver(event_id: str) -> ResponseReturnValue:
    """Send an event once more to every endpoint that wants it."""
    return jsonify(_redeliver(event_id))


@blueprint.post("/api/refunds/<refund_id>/outcome")
def settle(refund_id: str) -> ResponseReturnValue:
    """Move a konbini refund to `{"status": "pending" | "requires_action" | "succeeded" | "failed"}`."""
    with store().write() as tx:
        return jsonify(refunds.settle(tx, refund_id, str(_json().get("status"))))


@blueprint.post("/api/webhooks")
def pause() -> ResponseReturnValue:
    """Hold all deliveries back, or let them go: `{"paused": true | false}`."""
    with store().write() as tx:
        return jsonify(actions.change_settings(tx, {"webhooks_paused": _json().get("paused")}))


@blueprint.post("/api/endpoints")
def add_endpoint() -> ResponseReturnValue:
    """Add a webhook endpoint whose secret is known beforehand: `{"url": ..., "secret": ...}`."""
    data = _json()
    with store().write() as tx:
        return jsonify(public(webhook_endpoint.add(tx, str(data.get("url")), str(data.get("secret")))))


@blueprint.post("/api/endpoints/<endpoint_id>/delete")
def remove_endpoint(endpoint_id: str) -> ResponseReturnValue:
    """Forget a webhook endpoint."""
    with store().write() as tx:
        return jsonify(webhook_endpoint.remove(tx, endpoint_id))


@blueprint.post("/api/settings")
def settings() -> ResponseReturnValue:
    """Change settings: `webhooks_paused` (bool), `webhook_backoff_seconds` (list of numbers)."""
    with store().write() as tx:
        return jsonify(actions.change_settings(tx, _json()))


@blueprint.post("/sessions/<session_id>/<action>")
def act_form(session_id: str, action: str) -> ResponseReturnValue:
    """Do what a button of a session says."""
    actions.run(store(), session_id, action, request.form)
    return _back(session_id)


@blueprint.post("/sessions/<session_id>/events/<event_id>")
def redeliver_form(session_id: str, event_id: str) -> ResponseReturnValue:
    """Send an event once more."""
    _redeliver(event_id)
    return _back(session_id)


@blueprint.post("/sessions/<session_id>/refunds/<refund_id>")
def settle_form(session_id: str, refund_id: str) -> ResponseReturnValue:
    """Move a refund to the status of the pressed button."""
    with store().write() as tx:
        refunds.settle(tx, refund_id, request.form.get("status", ""))
    return _back(session_id)


@blueprint.post("/webhooks")
def pause_form() -> ResponseReturnValue:
    """Pause or resume all deliveries."""
    with store().write() as tx:
        actions.change_settings(tx, {"webhooks_paused": request.form.get("paused") == "true"})
    return redirect(url_for("control.page"), 303)


@blueprint.errorhandler(ApiError)
def refused(error: ApiError) -> ResponseReturnValue:
    """Say why it cannot be done: in JSON to tests, on the page to people."""
    if request.path.startswith("/_control/api/"):
        return jsonify(error.body()), error.status
    return page(error.message)


def _redeliver(event_id: str) -> Json:
    with store().write() as tx:
        event = tx.get(event_id, "event")
        if event is None:
            raise NotFoundError(f"No such event: '{event_id}'", code="resource_missing", param="id")
        events.deliver(tx, event)
        return _with_deliveries(tx, event)


def _json() -> dict[str, Any]:
    data = request.get_json(silent=True)
    return data if isinstance(data, dict) else {}


def _back(session_id: str) -> ResponseReturnValue:
    return redirect(url_for("control.page", _anchor=session_id), 303)
