"""PaymentMethods: the card of one payment, as Checkout keeps it for a guest (never to be used again)."""

from __future__ import annotations

from sandbox.stripe import clock, ids
from sandbox.stripe.call import Call
from sandbox.stripe.store import Json, Tx

_OF_THE_CARD = (
    "brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4", "networks", "wallet",
)  # fmt: skip


def make(tx: Tx, *, address: Json | None, billing: Json, method_details: Json) -> Json:
    """Store the PaymentMethod of a card whose form was submitted; `method_details` as its charge will show them."""
    card = method_details["card"]
    return tx.add(
        {
            "id": ids.new("payment_method"),
            "object": "payment_method",
            "allow_redisplay": "limited",
            "billing_details": {"address": address, **billing},
            "card": {name: card.get(name) for name in _OF_THE_CARD},
            "created": clock.now(),
            "livemode": False,
            "metadata": {},
            "type": "card",
        }
    )


def retrieve(call: Call, payment_method: str) -> Json:
    """GET /v1/payment_methods/<id>."""
    return call.find("payment_method", payment_method, param="payment_method")
