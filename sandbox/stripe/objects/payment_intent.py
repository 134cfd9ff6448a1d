"""PaymentIntents. Checkout makes one when the payer submits the form, not earlier (API since 2022-08-01)."""

from __future__ import annotations

import copy

from sandbox.stripe import clock, ids, lists, switches
from sandbox.stripe.call import Call
from sandbox.stripe.errors import StateError
from sandbox.stripe.objects import event
from sandbox.stripe.store import Json, Tx

_FILTERS: lists.Filters = {"customer": lists.field("customer")}


def make(tx: Tx, session: Json) -> Json:
    """Store the PaymentIntent of a session whose form was just submitted."""
    data = session["_sandbox"]["payment_intent_data"]
    intent_id = ids.new("payment_intent")
    intent = tx.add(
        {
            "id": intent_id,
            "object": "payment_intent",
            "amount": session["amount_total"],
            "amount_capturable": 0,
            "amount_details": {"tip": {}},
            "amount_received": 0,
            "capture_method": "automatic",
            "client_secret": f"{intent_id}_secret_{ids.digits(20)}",
            "confirmation_method": "automatic",
            "created": clock.now(),
            "currency": session["currency"],
            "customer": session["customer"],
            "description": data.get("description"),
            "livemode": False,
            "metadata": data.get("metadata", {}),
            "payment_method_options": copy.deepcopy(session["_sandbox"]["payment_method_options"]),
            "payment_method_types": session["payment_method_types"],
            "receipt_email": data.get("receipt_email"),
            "statement_descriptor": data.get("statement_descriptor"),
            "statement_descriptor_suffix": data.get("statement_descriptor_suffix"),
            "status": "requires_payment_method",
            "_sandbox": {"session": session["id"]},
        }
    )
    event.emit(tx, "payment_intent.created", intent, session=session["id"])
    return intent


def session_of(tx: Tx, intent_id: str) -> str | None:
    """Give the id of the Checkout Session that made the PaymentIntent."""
    intent = tx.get(intent_id)
    return intent["_sandbox"]["session"] if intent else None


def retrieve(call: Call, intent: str) -> Json:
    """GET /v1/payment_intents/<id>."""
    return call.find("payment_intent", intent, param="intent")


def list_(call: Call) -> Json:
    """GET /v1/payment_intents."""
    return lists.page(call.tx, "payment_intent", call.params, call.path, _FILTERS)


def cancel(call: Call, intent: str) -> Json:
    """POST /v1/payment_intents/<id>/cancel.

    All of them are Checkout's, which Stripe cancels only in `requires_capture` (description of the call in the SDK).
    Whether it means a pending konbini voucher too is not known: the switch `voucher_cancellable`.
    """
    found = call.find("payment_intent", intent, param="intent")
    session_id = found["_sandbox"]["session"]
    voucher = (found["next_action"] or {}).get("type") == "konbini_display_details"
    if not voucher or not switches.get(call.tx, "voucher_cancellable"):
        raise StateError(
            f"You cannot cancel this PaymentIntent because it has a status of {found['status']} and was "
            "created by Checkout. Only a status of requires_capture can be canceled; expire the Checkout "
            f"Session {session_id} instead while it is open.",
            code="payment_intent_unexpected_state",
            param="intent",
        )
    cancel_now(call.tx, found, call.params.get("cancellation_reason"), call)
    # Inferred: the session hears of its lost payment like of any other that failed.
    session = call.tx.need(session_id, "checkout.session") | {"status": "complete", "url": None}
    session["_sandbox"].pop("voucher_out", None)
    call.tx.save(session)
    event.emit(call.tx, "checkout.session.async_payment_failed", session, session=session_id, call=call)
    return found


def cancel_now(tx: Tx, intent: Json, reason: str | None, call: Call | None = None) -> None:
    """Make the PaymentIntent one that nobody can pay any more."""
    intent |= {
        "status": "canceled",
        "canceled_at": clock.now(),
        "cancellation_reason": reason,
        "next_action": None,
    }
    tx.save(intent)
    event.emit(tx, "payment_intent.canceled", intent, session=intent["_sandbox"]["session"], call=call)
