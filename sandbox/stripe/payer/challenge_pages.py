"""The bank's 3-D Secure page, which asks whether the payer ordered this."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue

from sandbox.stripe.errors import NotFoundError, StateError
from sandbox.stripe.payer import card_payment, checkout, frame
from sandbox.stripe.payer.form_pages import after_card
from sandbox.stripe.payer.frame import blueprint
from sandbox.stripe.running import store
from sandbox.stripe.store import Json, Tx


@blueprint.get("/3ds/<intent_id>")
def ask(intent_id: str) -> ResponseReturnValue:
    """Show the bank's question, or where the payment stands when nothing is asked."""
    with store().read() as tx:
        intent, session = _find(tx, intent_id)
    asked = intent["_sandbox"].get("challenge")
    if not asked or session["status"] != "open":
        return frame.closed(session)
    return frame.show("three_d_secure.html", session, last4=asked["card"]["number"][-4:])


@blueprint.post("/3ds/<intent_id>")
def answer(intent_id: str) -> ResponseReturnValue:
    """Take the payer's answer: field `answer` is complete or fail."""
    try:
        with store().write() as tx:
            _intent, session = _find(tx, intent_id)
            attempt = card_payment.authenticate(tx, session, passed=request.form.get("answer") == "complete")
    except StateError:
        return ask(intent_id)
    return after_card(attempt)


def _find(tx: Tx, intent_id: str) -> tuple[Json, Json]:
    intent = tx.get(intent_id, "payment_intent")
    if intent is None:
        raise NotFoundError(f"No such payment_intent: '{intent_id}'", code="resource_missing", param="intent")
    return intent, checkout.find_session(tx, intent["_sandbox"]["session"])
