"""Refunds: a card's succeed at once; a konbini payer must first name a bank account (stripe.md 2.5)."""

from __future__ import annotations

from sandbox.stripe import clock, ids, lists, timers
from sandbox.stripe.call import Call
from sandbox.stripe.errors import InvalidRequestError, NotFoundError, StateError, refuse_unknown
from sandbox.stripe.objects import balance_transaction, event
from sandbox.stripe.objects.metadata import merged
from sandbox.stripe.store import Json, Tx

DETAILS_WITHIN_SECONDS = 45 * 24 * 3600
HANDLED = {"amount", "charge", "expand", "instructions_email", "metadata", "payment_intent", "reason"}

_FILTERS: lists.Filters = {
    "charge": lists.field("charge"),
    "payment_intent": lists.field("payment_intent"),
}
# From which status an outcome may come: "requires_action" again after a wrong bank account.
_MOVES = {
    "pending": {"requires_action"},
    "requires_action": {"pending"},
    "succeeded": {"requires_action", "pending"},
    "failed": {"requires_action", "pending"},
}


def create(call: Call) -> Json:
    """POST /v1/refunds."""
    tx, params = call.tx, call.params
    refuse_unknown(params, HANDLED)
    charge = _charge(call)
    left = charge["amount"] - charge["amount_refunded"]
    amount = params.get("amount", left)
    if left == 0:
        raise StateError(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    if amount < 1:
        raise InvalidRequestError("Invalid positive integer", code="parameter_invalid_integer", param="amount")
    if amount > left:
        raise StateError(
            f"Refund amount (¥{amount:,}) is greater than unrefunded amount on charge (¥{left:,})",
            param="amount",
        )
    konbini = charge["payment_method_details"]["type"] == "konbini"
    refund = _body(charge, params, amount, konbini=konbini)
    if konbini:
        _ask_for_bank_account(tx, refund, params.get("instructions_email") or charge["billing_details"]["email"])
    refund["balance_transaction"] = balance_transaction.for_refund(tx, refund)["id"]
    tx.add(refund)
    _count(tx, charge, amount)
    session = _session(tx, refund)
    event.emit(tx, "refund.created", refund, session=session, call=call)
    event.emit(tx, "charge.refunded", charge, session=session, call=call)
    return refund


def _charge(call: Call) -> Json:
    params = call.params
    if "charge" in params:
        charge = call.find("charge", params["charge"], param="charge")
    elif "payment_intent" in params:
        intent = call.find("payment_intent", params["payment_intent"], param="payment_intent")
        if intent["status"] != "succeeded":
            raise StateError(
                f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
                param="payment_intent",
            )
        charge = call.find("charge", intent["latest_charge"])
    else:
        raise InvalidRequestError("One of the following params should be provided: payment_intent or charge.")
    if charge["status"] != "succeeded":
        raise StateError(f"Charge {charge['id']} did not succeed, so there is nothing to refund.", param="charge")
    return charge


def _body(charge: Json, params: Json, amount: int, *, konbini: bool) -> Json:
    type_ = charge["payment_method_details"]["type"]
    return {
        "id": ids.new("refund"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": clock.now(),
        "currency": charge["currency"],
        "customer": charge["customer"],
        "description": None,
        "destination_details": {"type": "jp_bank_transfer" if konbini else type_},
        "failure_balance_transaction": None,
        "failure_reason": None,
        "instructions_email": params.get("instructions_email"),
        "metadata": merged({}, params.get("metadata", {})),
        "next_action": None,
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "pending_reason": None,
        "reason": params.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }


def _ask_for_bank_account(tx: Tx, refund: Json, email: str) -> None:
    now = clock.now()
    due = now + DETAILS_WITHIN_SECONDS
    sent = {"email_sent_at": now, "email_sent_to": email}
    refund["status"] = "requires_action"
    refund["next_action"] = {
        "type": "display_details",
        "display_details": {"email_sent": sent, "expires_at": due},
    }
    timers.schedule(tx, "fail_refund", refund["id"], due)


def _count(tx: Tx, charge: Json, amount: int) -> None:
    # Inferred: money set aside for a refund under way counts as refunded until the refund fails.
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    tx.save(charge)


def _session(tx: Tx, refund: Json) -> str | None:
    intent = tx.get(refund["payment_intent"])
    return intent["_sandbox"]["session"] if intent else None


def settle(tx: Tx, refund_id: str, status: str) -> Json:
    """Move a konbini refund on, as Stripe and the payer's bank would.

    `status` is pending (details given), requires_action (wrong account), succeeded or failed. Raises
    NotFoundError, or StateError when the refund cannot get there from where it is.
    """
    refund = tx.get(refund_id, "refund")
    if refund is None:
        raise NotFoundError(f"No such refund: '{refund_id}'", code="resource_missing", param="refund")
    if refund["status"] not in _MOVES.get(status, set()):
        raise StateError(f"A refund that is {refund['status']} cannot become {status}.", param="status")
    previous = {"status": refund["status"]}
    refund["status"] = status
    if status == "pending":
        refund["pending_reason"] = "processing"
    if status == "succeeded":
        refund |= {"next_action": None, "pending_reason": None}
    if status == "failed":
        refund |= {"next_action": None, "pending_reason": None, "failure_reason": "unknown"}
        refund["failure_balance_transaction"] = balance_transaction.for_failed_refund(tx, refund)["id"]
        charge = tx.get(refund["charge"])
        if charge is not None:
            _count(tx, charge, -refund["amount"])
    tx.save(refund)
    types = ["refund.updated", "charge.refund.updated"] + ["refund.failed"] * (status == "failed")
    for type_ in types:
        event.emit(tx, type_, refund, session=_session(tx, refund), previous=previous)
    return refund


def of_charge(tx: Tx, charge: Json) -> Json:
    """Give `refunds`, which a charge shows only when asked by expand."""
    found = tx.find("refund", lists.field("charge"), (charge["id"],))
    return lists.whole(found, f"/v1/charges/{charge['id']}/refunds")


def retrieve(call: Call, refund: str) -> Json:
    """GET /v1/refunds/<id>."""
    return call.find("refund", refund)


def list_(call: Call) -> Json:
    """GET /v1/refunds."""
    return lists.page(call.tx, "refund", call.params, call.path, _FILTERS)
