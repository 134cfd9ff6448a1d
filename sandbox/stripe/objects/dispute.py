"""Disputes (chargebacks): a cardholder's bank takes the money, the shop answers, the bank decides.

Rules: https://docs.stripe.com/disputes , https://docs.stripe.com/api/disputes . Konbini payments have none
(https://docs.stripe.com/payments/konbini).
"""

from __future__ import annotations

from typing import Any

from sandbox.stripe import clock, ids, lists, timers
from sandbox.stripe.call import Call
from sandbox.stripe.errors import StateError, refuse
from sandbox.stripe.objects import balance_transaction, event, payment_intent
from sandbox.stripe.objects.metadata import merged
from sandbox.stripe.store import Json, Tx

# Stripe gives 7 to 21 days, depending on the card network: the shortest is the hardest.
ANSWER_WITHIN_SECONDS = 7 * 24 * 3600
# Reason -> Visa's code for it, as Stripe's page of reason codes pairs them.
REASONS = {
    "credit_not_processed": "13.6",
    "duplicate": "12.6.1",
    "fraudulent": "10.4",
    "general": "12.5",
    "product_not_received": "13.1",
    "product_unacceptable": "13.3",
    "subscription_canceled": "13.2",
    "unrecognized": "10.4",
}
# What the evidence's `uncategorized_text` does in a sandbox (https://docs.stripe.com/testing#disputes).
VERDICTS = {"winning_evidence": "won", "losing_evidence": "lost"}
_OPEN = ("needs_response", "under_review")

_FILTERS: lists.Filters = {"charge": lists.field("charge"), "payment_intent": lists.field("payment_intent")}


def open_(tx: Tx, charge: Json, reason: str = "fraudulent") -> Json:
    """Have the cardholder's bank dispute what is left of a card charge, and take the money.

    Raises InvalidRequestError for an unknown reason, StateError for a charge that cannot be disputed: cash, failed,
    wholly refunded (https://support.stripe.com/questions/dispute-fees-faq), disputed already.
    """
    if reason not in REASONS:
        raise refuse(f"Invalid reason: must be one of {', '.join(REASONS)}", "reason")
    card = charge["payment_method_details"].get("card")
    left = charge["amount"] - charge["amount_refunded"]
    if not card or charge["status"] != "succeeded" or charge["disputed"] or left == 0:
        raise StateError(f"Charge {charge['id']} cannot be disputed.", param="charge")
    dispute = _body(charge, card, reason, left)
    dispute["balance_transactions"] = [balance_transaction.for_dispute(tx, dispute)]
    tx.add(dispute)
    charge["disputed"] = True
    tx.save(charge)
    timers.schedule(tx, "lose_dispute", dispute["id"], dispute["evidence_details"]["due_by"])
    for type_ in ("created", "funds_withdrawn"):
        _emit(tx, type_, dispute)
    return dispute


def _body(charge: Json, card: Json, reason: str, amount: int) -> Json:
    code = REASONS[reason]
    return {
        "id": ids.new("dispute"),
        "object": "dispute",
        "amount": amount,
        "charge": charge["id"],
        "created": clock.now(),
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {"enhanced_evidence": {}},
        "evidence_details": {
            "due_by": clock.now() + ANSWER_WITHIN_SECONDS,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "network_reason_code": code,
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "type": "card",
            "card": {
                "brand": card["brand"],
                "case_type": "chargeback",
                "network": card["network"],
                "network_reason_code": code,
            },
        },
        "reason": reason,
        "status": "needs_response",
    }


def win(tx: Tx, dispute: Json, call: Call | None = None) -> Json:
    """Have the bank decide for the shop: the money comes back. Raises StateError when it was decided before."""
    _still_open(dispute)
    dispute["balance_transactions"].append(balance_transaction.for_won_dispute(tx, dispute))
    dispute |= {"status": "won", "is_charge_refundable": True}
    tx.save(dispute)
    for type_ in ("funds_reinstated", "closed"):
        _emit(tx, type_, dispute, call)
    return dispute


def lose(tx: Tx, dispute: Json, call: Call | None = None) -> Json:
    """Have the bank decide for the cardholder. Raises StateError when it was decided before."""
    _still_open(dispute)
    dispute["status"] = "lost"
    tx.save(dispute)
    _emit(tx, "closed", dispute, call)
    return dispute


def lose_unanswered(tx: Tx, dispute: Json) -> Json:
    """Close a dispute whose time to answer is over; one that was answered is under review and stays so."""
    if dispute["status"] == "needs_response":
        dispute["evidence_details"]["past_due"] = True
        lose(tx, dispute)
    return dispute


def update(call: Call, dispute: str) -> Json:
    """POST /v1/disputes/<id>: evidence, handed in at once unless `submit` is false, and metadata.

    Stripe's testing words in `uncategorized_text` decide the dispute at once; other evidence is under review.
    """
    found = call.find("dispute", dispute, param="dispute")
    previous: dict[str, Any] = {"evidence": dict(found["evidence"]), "metadata": found["metadata"]}
    found["metadata"] = merged(found["metadata"], call.params.get("metadata", {}))
    evidence = call.params.get("evidence", {})
    if evidence:
        _still_open(found)
        found["evidence"] |= {name: value or None for name, value in evidence.items()}
        found["evidence_details"]["has_evidence"] = True
    submitted = bool(evidence) and call.params.get("submit", True)
    if submitted:
        previous["status"] = found["status"]
        found["status"] = "under_review"
        details = found["evidence_details"]
        details |= {"submission_count": details["submission_count"] + 1, "submission_method": "manual"}
    call.tx.save(found)
    _emit(call.tx, "updated", found, call, previous)
    verdict = VERDICTS.get(found["evidence"]["uncategorized_text"] or "") if submitted else None
    decide = {"won": win, "lost": lose}.get(verdict or "")
    return decide(call.tx, found, call) if decide else found


def close(call: Call, dispute: str) -> Json:
    """POST /v1/disputes/<id>/close: give in. Raises StateError unless it needs a response."""
    found = call.find("dispute", dispute, param="dispute")
    if found["status"] != "needs_response":
        raise StateError(f"This dispute is {found['status']} and cannot be closed.", param="dispute")
    return lose(call.tx, found, call)


def retrieve(call: Call, dispute: str) -> Json:
    """GET /v1/disputes/<id>."""
    return call.find("dispute", dispute, param="dispute")


def list_(call: Call) -> Json:
    """GET /v1/disputes."""
    return lists.page(call.tx, "dispute", call.params, call.path, _FILTERS)


def _still_open(dispute: Json) -> None:
    if dispute["status"] not in _OPEN:
        raise StateError(f"This dispute is already {dispute['status']}.", param="dispute")


def _emit(tx: Tx, type_: str, dispute: Json, call: Call | None = None, previous: Json | None = None) -> None:
    session = payment_intent.session_of(tx, dispute["payment_intent"])
    event.emit(tx, f"charge.dispute.{type_}", dispute, session=session, call=call, previous=previous)
