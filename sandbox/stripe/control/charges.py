"""What a cardholder's bank does to a charge."""

from __future__ import annotations

from sandbox.stripe.control.moments import Fields, moment
from sandbox.stripe.objects import dispute
from sandbox.stripe.running import store
from sandbox.stripe.store import Json, public


@moment("charges/<charge_id>/dispute")
def open_dispute(fields: Fields, charge_id: str) -> Json:
    """Dispute a card charge, with a `reason` of dispute.REASONS, and give the dispute."""
    with store().write() as tx:
        return public(dispute.open_(tx, tx.need(charge_id, "charge"), fields.text("reason", "fraudulent")))
