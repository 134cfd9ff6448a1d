"""Refunds: a card's succeed at once; a konbini payer must first name a bank account.

Rules: https://docs.stripe.com/api/refunds , konbini https://docs.stripe.com/payments/konbini/accept-a-payment .
"""

from __future__ import annotations

import copy

from sandbox.stripe import clock, ids, lists, timers
from sandbox.stripe.call import Call
from sandbox.stripe.errors import InvalidRequestError, StateError, refuse_unknown
from sandbox.stripe.objects import balance_transaction, event, payment_intent
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
# Payment method -> where the money goes.
_DESTINATIONS: dict[str, Json] = {
    "card": {
        "type": "card",
        "card": {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"},
    },
    "konbini": {"type": "jp_bank_transfer", "jp_bank_transfer": {}},
}
# Status -> what Stripe says of the reason when the money goes back to the shop.
_GIVEN_UP = {"failed": "unknown", "canceled": "merchant_request"}


def create(call: Call) -> Json:
    """POST /v1/refunds."""
    tx, params = call.tx, call.params
    refuse_unknown(params, HANDLED)
    charge = _charge(call)
    amount = _amount(charge, params)
    method = charge["payment_method_details"]["type"]
    refund = _body(charge, params, amount, method)
    if method == "konbini":
        _ask_for_bank_account(tx, refund, params.get("instructions_email") or charge["billing_details"]["email"])
    refund["balance_transaction"] = balance_transaction.for_refund(tx, refund, method)["id"]
    tx.add(refund)
    refunded_before = {"amount_refunded": charge["amount_refunded"], "refunded": charge["refunded"]}
    _count(tx, charge, amount)
    _emit(tx, ("refund.created",), refund, call=call)
    session = payment_intent.session_of(tx, charge["payment_intent"])
    event.emit(tx, "charge.refunded", charge, session=session, call=call, previous=refunded_before)
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
    if charge["disputed"] and not _won(call.tx, charge):
        raise StateError(f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed")
    return charge


def _won(tx: Tx, charge: Json) -> bool:
    found = tx.find("dispute", lists.field("charge"), (charge["id"],))
    return all(dispute["is_charge_refundable"] for dispute in found)


def _amount(charge: Json, params: Json) -> int:
    left: int = charge["amount"] - charge["amount_refunded"]
    amount: int = params.get("amount", left)
    if left == 0:
        raise StateError(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    if amount < 1:
        raise InvalidRequestError("Invalid positive integer", code="parameter_invalid_integer", param="amount")
    if amount > left:
        raise StateError(
            f"Refund amount (¥{amount:,}) is greater than unrefunded amount on charge (¥{left:,})",
            param="amount",
        )
    return amount


def _body(charge: Json, params: Json, amount: int, method: str) -> Json:
    return {
        "id": ids.new("refund" if method == "card" else "payment_refund"),
        "object": "refund",
        "amount": amount,
        "charge": charge["id"],
        "created": clock.now(),
        "currency": charge["currency"],
        "customer": charge["customer"],
        "destination_details": copy.deepcopy(_DESTINATIONS[method]),
        "instructions_email": params.get("instructions_email"),
        "metadata": merged({}, params.get("metadata", {})),
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": params.get("reason"),
        "status": "succeeded",
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


def settle(tx: Tx, refund_id: str, status: str) -> Json:
    """Move a konbini refund on, as Stripe and the payer's bank would.

    `status` is pending (details given), requires_action (wrong account), succeeded or failed. Raises
    NotFoundError, or StateError when the refund cannot get there from where it is.
    """
    refund = tx.need(refund_id, "refund", "refund")
    if refund["status"] not in _MOVES.get(status, set()):
        raise StateError(f"A refund that is {refund['status']} cannot become {status}.", param="status")
    return _become(tx, refund, status)


def _become(tx: Tx, refund: Json, status: str, call: Call | None = None) -> Json:
    previous = {name: refund[name] for name in ("status", "pending_reason", "next_action", "failure_reason")}
    refund |= {"status": status, "pending_reason": "processing" if status == "pending" else None}
    if status not in _MOVES["succeeded"]:
        refund["next_action"] = None
    if status in _GIVEN_UP:
        charge = tx.need(refund["charge"], "charge")
        back = balance_transaction.for_failed_refund(tx, refund, charge["payment_method_details"]["type"])
        refund |= {"failure_reason": _GIVEN_UP[status], "failure_balance_transaction": back["id"]}
        _count(tx, charge, -refund["amount"])
    tx.save(refund)
    changed = {name: value for name, value in previous.items() if refund[name] != value}
    types = ("refund.updated", "charge.refund.updated") + ("refund.failed",) * (status == "failed")
    _emit(tx, types, refund, call, changed)
    return refund


def cancel(call: Call, refund: str) -> Json:
    """POST /v1/refunds/<id>/cancel, in requires_action only (https://docs.stripe.com/api/refunds/cancel)."""
    found = call.find("refund", refund, param="refund")
    if found["status"] != "requires_action":
        raise StateError(
            f"You cannot cancel this refund: its status is {found['status']}, not requires_action.", param="refund"
        )
    return _become(call.tx, found, "canceled", call)


def update(call: Call, refund: str) -> Json:
    """POST /v1/refunds/<id>: only its metadata."""
    found = call.find("refund", refund, param="refund")
    before = found["metadata"]
    found["metadata"] = merged(before, call.params.get("metadata", {}))
    call.tx.save(found)
    if found["metadata"] != before:
        _emit(call.tx, ("refund.updated", "charge.refund.updated"), found, call, {"metadata": before})
    return found


def _emit(tx: Tx, types: tuple[str, ...], refund: Json, call: Call | None = None, previous: Json | None = None) -> None:
    session = payment_intent.session_of(tx, refund["payment_intent"])
    for type_ in types:
        event.emit(tx, type_, refund, session=session, call=call, previous=previous)


def of_charge(tx: Tx, charge: Json) -> Json:
    """Give `refunds`, which a charge shows only when asked by expand."""
    found = tx.find("refund", lists.field("charge"), (charge["id"],))
    return lists.whole(found, f"/v1/charges/{charge['id']}/refunds")


def retrieve(call: Call, refund: str) -> Json:
    """GET /v1/refunds/<id>."""
    return call.find("refund", refund, param="refund")


def list_(call: Call) -> Json:
    """GET /v1/refunds."""
    return lists.page(call.tx, "refund", call.params, call.path, _FILTERS)
