"""Paying in cash: a voucher is issued, paid at the till, or runs out."""

from __future__ import annotations

from sandbox.stripe import clock, switches, timers
from sandbox.stripe.errors import StateError
from sandbox.stripe.objects import charge, event, payment_method
from sandbox.stripe.payer import checkout, konbini
from sandbox.stripe.payer.checkout import Payer
from sandbox.stripe.store import Json, Tx


def waiting(intent: Json | None) -> Json | None:
    """Give the voucher's `konbini_display_details` while it waits for payment, or None."""
    action = intent["next_action"] if intent else None
    details: Json | None = action.get("konbini_display_details") if action else None
    return details


def payable_until(intent: Json) -> int:
    """When the till refuses even a printed slip: the deadline plus the late-payment buffer (seconds since 1970)."""
    until: int = intent["_sandbox"]["payable_until"]
    return until


def issue(tx: Tx, session: Json, payer: Payer) -> Json:
    """Submit the form with konbini: the session is complete, unpaid, its PaymentIntent has a voucher.

    Raises StateError when the form is closed.
    """
    intent = checkout.submit(tx, session, "konbini")
    url = session["url"]
    checkout.complete(tx, session, intent, payer)
    if switches.get(tx, "voucher_session_status") == "open":
        session |= {"status": "open", "url": url}
        session["_sandbox"]["voucher_out"] = True
    days = session["payment_method_options"].get("konbini", {}).get("expires_after_days", konbini.DEFAULT_DAYS)
    action = konbini.next_action(intent["id"], days, payer.phone)
    until = action["konbini_display_details"]["expires_at"] + switches.get(tx, "late_payment_seconds")
    method = payment_method.make(
        tx, address=payer.details["address"], billing=payer.billing, method_details={"type": "konbini"}
    )
    intent |= {
        "status": "requires_action",
        "payment_method": method["id"],
        "next_action": action,
        "last_payment_error": None,
    }
    intent["_sandbox"]["payable_until"] = until
    tx.save(intent)
    tx.save(session)
    timers.schedule(tx, "expire_voucher", session["id"], until)
    test = konbini.outcome(payer.email, payer.phone, switches.get(tx, "ordinary_voucher"))
    if test and test.action:
        timers.schedule(tx, test.action, session["id"], clock.now() + test.delay)
    event.emit(tx, "payment_intent.requires_action", intent, session=session["id"])
    event.emit(tx, "checkout.session.completed", session, session=session["id"])
    return session


def pay_at_till(tx: Tx, session: Json, chain: str = "lawson") -> Json:
    """Let the customer pay in cash; after the deadline that means with a slip printed before it.

    Raises StateError when no voucher waits: the end of its late-payment buffer takes it away (`expire`).
    """
    intent = _intent(tx, session)
    if chain not in konbini.CHAINS:
        raise StateError(f"No such chain: {chain}. Known: {', '.join(konbini.CHAINS)}.", param="chain")
    payer = session["customer_details"]
    made = charge.make(
        tx,
        intent,
        details=payer,
        billing={name: payer[name] for name in ("email", "name", "phone")},
        method_details={"type": "konbini", "konbini": {"store": {"chain": chain}}},
    )
    intent |= {"latest_charge": made["id"], "next_action": None}
    checkout.succeed(tx, session, intent)
    event.emit(tx, "payment_intent.succeeded", intent, session=session["id"])
    event.emit(tx, "charge.succeeded", made, session=session["id"])
    event.emit(tx, "checkout.session.async_payment_succeeded", session, session=session["id"])
    return session


def expire(tx: Tx, session: Json) -> Json:
    """Let the voucher run out unpaid. Raises StateError when no voucher waits for payment."""
    intent = _intent(tx, session)
    intent |= {
        "status": "requires_payment_method",
        "next_action": None,
        "last_payment_error": {
            "type": "invalid_request_error",
            "code": "payment_intent_payment_attempt_expired",
            "message": "The konbini payment was not made before the voucher expired.",
        },
    }
    session |= {"status": "complete", "url": None}
    session["_sandbox"].pop("voucher_out", None)
    tx.save(intent)
    tx.save(session)
    event.emit(tx, "payment_intent.payment_failed", intent, session=session["id"])
    event.emit(tx, "checkout.session.async_payment_failed", session, session=session["id"])
    return session


def _intent(tx: Tx, session: Json) -> Json:
    intent = tx.get(session["payment_intent"] or "")
    if intent is None or not waiting(intent):
        raise StateError("This Checkout Session has no konbini voucher that waits for payment.")
    return intent
