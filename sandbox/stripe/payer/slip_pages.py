"""The voucher that a konbini payer takes to the store, and the receipt of what was paid."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from sandbox.stripe import clock
from sandbox.stripe.errors import NotFoundError
from sandbox.stripe.payer import checkout, frame
from sandbox.stripe.payer import voucher as vouchers
from sandbox.stripe.payer.frame import blueprint
from sandbox.stripe.running import store


@blueprint.get("/voucher/<intent_id>")
def voucher(intent_id: str) -> ResponseReturnValue:
    """Show the slip: amount, deadline, codes for each chain; or that it is late, paid or over."""
    with store().read() as tx:
        intent = tx.get(intent_id, "payment_intent")
        if intent is None or "payable_until" not in intent["_sandbox"]:
            raise NotFoundError(f"No such voucher: {intent_id}")
        session = checkout.find_session(tx, intent["_sandbox"]["session"])
    details = vouchers.waiting(intent)
    if details:
        kind = "voucher" if clock.now() <= details["expires_at"] else "voucher_late"
    else:
        kind = "voucher_paid" if intent["status"] == "succeeded" else "voucher_over"
    return frame.show(
        "voucher.html",
        session,
        intent=intent,
        details=details,
        kind=kind,
        until=vouchers.payable_until(intent),
        back=frame.back_to_shop(session),
    )


@blueprint.get("/receipt/<charge_id>")
def receipt(charge_id: str) -> ResponseReturnValue:
    """Show the receipt of a successful charge, as `receipt_url` promises."""
    with store().read() as tx:
        charge = tx.get(charge_id, "charge")
        intent = tx.get(charge["payment_intent"]) if charge else None
        if charge is None or intent is None or not charge["receipt_url"]:
            raise NotFoundError(f"No such receipt: {charge_id}")
        session = checkout.find_session(tx, intent["_sandbox"]["session"])
    return frame.show("receipt.html", session, charge=charge, items=session["_sandbox"]["line_items"])
