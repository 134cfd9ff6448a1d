"""PaymentMethods: how one payment was made, as Checkout keeps it for a guest (never to be used again)."""

from __future__ import annotations

from sandbox.stripe import clock, ids
from sandbox.stripe.call import Call
from sandbox.stripe.store import Json, Tx

_OF_THE_CARD = (
    "brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4", "networks", "wallet",
)  # fmt: skip


def make(tx: Tx, *, address: Json | None, billing: Json, method_details: Json) -> Json:
    """Store the PaymentMethod of a form that was submitted.

    `method_details` has `type` card, with the facts that its charge will show, or konbini, which has none.
    """
    kind = method_details["type"]
    facts = {name: method_details["card"].get(name) for name in _OF_THE_CARD} if kind == "card" else {}
    return tx.add(
        {
            "id": ids.new("payment_method"),
            "object": "payment_method",
            "allow_redisplay": "limited",
            "billing_details": {"address": address, **billing},
            kind: facts,
            "created": clock.now(),
            "livemode": False,
            "metadata": {},
            "type": kind,
        }
    )


def retrieve(call: Call, payment_method: str) -> Json:
    """GET /v1/payment_methods/<id>."""
    return call.find("payment_method", payment_method, param="payment_method")
