"""What Stripe and the payer's bank do to a refund."""

from __future__ import annotations

from sandbox.stripe.control.moments import Fields, moment
from sandbox.stripe.objects import refund as refunds
from sandbox.stripe.running import store
from sandbox.stripe.store import Json


@moment("refunds/<refund_id>/outcome")
def settle(fields: Fields, refund_id: str) -> Json:
    """Move a konbini refund to `{"status": "pending" | "requires_action" | "succeeded" | "failed"}`."""
    with store().write() as tx:
        return refunds.settle(tx, refund_id, fields.text("status"))
