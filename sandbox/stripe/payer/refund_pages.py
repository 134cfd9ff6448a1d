"""The page that Stripe's mail links to when a konbini payment is refunded: it asks for a bank account."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from flask import redirect, request
from flask.typing import ResponseReturnValue

from sandbox.stripe.errors import NotFoundError, StateError
from sandbox.stripe.payer import bank, checkout, frame
from sandbox.stripe.payer.frame import blueprint
from sandbox.stripe.running import store
from sandbox.stripe.store import Json, Tx


@blueprint.get("/refund/<refund_id>")
def show_refund(refund_id: str) -> ResponseReturnValue:
    """Show the form for the bank account, or how far the refund is."""
    with store().read() as tx:
        return _page(tx, bank.find(tx, refund_id), {}, ())


@blueprint.post("/refund/<refund_id>")
def take_account(refund_id: str) -> ResponseReturnValue:
    """Take the bank account (fields of bank.FIELDS)."""
    typed = {name: value.strip() for name, value in request.form.items()}
    wrong = bank.wrong(typed)
    if wrong:
        with store().read() as tx:
            return _page(tx, bank.find(tx, refund_id), typed, wrong), 422
    try:
        with store().write() as tx:
            bank.give_account(tx, refund_id, typed)
    except StateError:
        pass  # it was given already: the page says how far the refund is
    return redirect(f"/refund/{refund_id}", 303)


def _page(tx: Tx, refund: Json, typed: Mapping[str, str], wrong: Collection[str]) -> str:
    intent = tx.get(refund["payment_intent"] or "")
    if intent is None or not (refund["destination_details"] or {}).get("type") == "jp_bank_transfer":
        raise NotFoundError(f"No such refund by bank transfer: '{refund['id']}'")
    session = checkout.find_session(tx, intent["_sandbox"]["session"])
    returned = refund.get("_sandbox", {}).get("returned", False)
    return frame.show(
        "refund.html",
        session,
        refund=refund,
        typed=typed,
        wrong=wrong,
        returned=returned,
        fields=bank.FIELDS,
        back=frame.back_to_shop(session),
    )
