"""PaymentIntents. Checkout makes one when the payer submits the form, not earlier (API since 2022-08-01)."""

from __future__ import annotations

from sandbox.stripe import clock, ids, lists
from sandbox.stripe.call import Call
from sandbox.stripe.errors import StateError
from sandbox.stripe.store import Json, Tx

_FILTERS: lists.Filters = {"customer": lists.field("customer")}


def make(tx: Tx, session: Json) -> Json:
    """Store the PaymentIntent of a session whose form was just submitted."""
    data = session["_sandbox"]["payment_intent_data"]
    intent_id = ids.new("payment_intent")
    return tx.add(
        {
            "id": intent_id,
            "object": "payment_intent",
            "amount": session["amount_total"],
            "amount_capturable": 0,
            "amount_details": {"tip": {}},
            "amount_received": 0,
            "application": None,
            "application_fee_amount": None,
            "automatic_payment_methods": None,
            "canceled_at": None,
            "cancellation_reason": None,
            "capture_method": "automatic",
            "client_secret": f"{intent_id}_secret_{ids.digits(20)}",
            "confirmation_method": "automatic",
            "created": clock.now(),
            "currency": session["currency"],
            "customer": session["customer"],
            "description": data.get("description"),
            "last_payment_error": None,
            "latest_charge": None,
            "livemode": False,
            "metadata": data.get("metadata", {}),
            "next_action": None,
            "on_behalf_of": None,
            "payment_method": None,
            "payment_method_configuration_details": None,
            "payment_method_options": session["payment_method_options"],
            "payment_method_types": session["payment_method_types"],
            "processing": None,
            "receipt_email": data.get("receipt_email"),
            "review": None,
            "setup_future_usage": None,
            "shipping": None,
            "source": None,
            "statement_descriptor": data.get("statement_descriptor"),
            "statement_descriptor_suffix": data.get("statement_descriptor_suffix"),
            "status": "requires_payment_method",
            "transfer_data": None,
            "transfer_group": None,
            "_sandbox": {"session": session["id"]},
        }
    )


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
    """POST /v1/payment_intents/<id>/cancel: refused, for all of them are Checkout's (stripe.md 2.4)."""
    found = call.find("payment_intent", intent, param="intent")
    raise StateError(
        f"You cannot cancel this PaymentIntent because it has a status of {found['status']} and was "
        "created by Checkout. Only a status of requires_capture can be canceled; expire the Checkout "
        f"Session {found['_sandbox']['session']} instead while it is open.",
        code="payment_intent_unexpected_state",
        param="intent",
    )
