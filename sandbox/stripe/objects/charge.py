"""Charges: the money of a PaymentIntent."""

from __future__ import annotations

from sandbox import config
from sandbox.stripe import clock, ids, lists
from sandbox.stripe.call import Call
from sandbox.stripe.objects import balance_transaction
from sandbox.stripe.store import Json, Tx

_FILTERS: lists.Filters = {
    "payment_intent": lists.field("payment_intent"),
    "customer": lists.field("customer"),
}


def make(
    tx: Tx, intent: Json, *, details: Json, billing: Json, method_details: Json, decline: Json | None = None
) -> Json:
    """Store the charge of a payment attempt: succeeded and booked, or failed with `decline`.

    `details` is the session's `customer_details`; `method_details` has `type` card or konbini and its facts.
    """
    charge_id = ids.new("charge" if method_details["type"] == "card" else "payment")
    charge: Json = {
        "id": charge_id,
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0 if decline else intent["amount"],
        "amount_refunded": 0,
        "billing_details": {"address": details["address"], **billing},
        "calculated_statement_descriptor": "KAISEKI PORTAL",
        "captured": not decline,
        "created": clock.now(),
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_code": decline["code"] if decline else None,
        "failure_message": decline["message"] if decline else None,
        "fraud_details": {},
        "livemode": False,
        "metadata": intent["metadata"],
        "outcome": _outcome(decline),
        "paid": not decline,
        "payment_intent": intent["id"],
        "payment_method": intent["payment_method"],
        "payment_method_details": method_details,
        "receipt_email": intent["receipt_email"],
        "receipt_url": None if decline else f"{config.load().stripe_url}/receipt/{charge_id}",
        "refunded": False,
        "status": "failed" if decline else "succeeded",
    }
    if not decline:
        charge["balance_transaction"] = balance_transaction.for_charge(tx, charge, method_details["type"])["id"]
    return tx.add(charge)


def _outcome(decline: Json | None) -> Json:
    return {
        "network_status": "declined_by_network" if decline else "approved_by_network",
        "reason": decline.get("decline_code") if decline else None,
        "risk_level": "normal",
        "seller_message": "The bank declined the payment." if decline else "Payment complete.",
        "type": "issuer_declined" if decline else "authorized",
    }


def retrieve(call: Call, charge: str) -> Json:
    """GET /v1/charges/<id>."""
    return call.find("charge", charge)


def list_(call: Call) -> Json:
    """GET /v1/charges."""
    return lists.page(call.tx, "charge", call.params, call.path, _FILTERS)
