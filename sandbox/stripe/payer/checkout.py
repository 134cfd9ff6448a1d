"""What a payer does: pay by card, take a voucher, pay at the till, let it run out (stripe.md 2.3)."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.stripe import clock, ids, timers
from sandbox.stripe.errors import NotFoundError, StateError
from sandbox.stripe.objects import charge, customer, event, payment_intent
from sandbox.stripe.objects.session import customer_details
from sandbox.stripe.payer import konbini
from sandbox.stripe.payer.cards import Card
from sandbox.stripe.store import Json, Tx


@dataclass(frozen=True)
class Payer:
    """What the payer typed beside the card."""

    email: str
    name: str
    phone: str = ""


@dataclass(frozen=True)
class Attempt:
    """A submitted card: the session, and either the `checkout.session.completed` event or the decline."""

    session: Json
    completed: Json | None = None
    decline: Json | None = None


def find_session(tx: Tx, session_id: str) -> Json:
    """Give the session or raise NotFoundError."""
    session = tx.get(session_id, "checkout.session")
    if session is None:
        raise NotFoundError(f"No such checkout.session: '{session_id}'", code="resource_missing", param="session")
    return session


def pay_card(tx: Tx, session: Json, payer: Payer, card: Card) -> Attempt:
    """Submit the form with a card. A decline is recorded and leaves the session open for another try."""
    intent = _submit(tx, session, "card")
    details = customer_details(payer.email, payer.name, payer.phone or None)
    billing = {"email": payer.email, "name": payer.name, "phone": payer.phone or None}
    intent["payment_method"] = ids.new("payment_method")
    if not card.decline:
        _complete(tx, session, intent, details)
    made = charge.make(
        tx, intent, details=details, billing=billing, method_details=card.method_details, decline=card.decline
    )
    intent["latest_charge"] = made["id"]
    tx.save(session)
    if card.decline:
        intent["last_payment_error"] = card.decline | {"charge": made["id"]}
        tx.save(intent)
        event.emit(tx, "payment_intent.payment_failed", intent, session=session["id"])
        event.emit(tx, "charge.failed", made, session=session["id"])
        return Attempt(session, decline=card.decline)
    _succeed(tx, session, intent)
    event.emit(tx, "payment_intent.succeeded", intent, session=session["id"])
    event.emit(tx, "charge.succeeded", made, session=session["id"])
    return Attempt(session, completed=event.emit(tx, "checkout.session.completed", session, session=session["id"]))


def issue_voucher(tx: Tx, session: Json, payer: Payer) -> Json:
    """Submit the form with konbini: the session is complete, unpaid, its PaymentIntent has a voucher."""
    intent = _submit(tx, session, "konbini")
    options = session["payment_method_options"].get("konbini", {})
    action = konbini.next_action(intent["id"], options.get("expires_after_days", konbini.DEFAULT_DAYS), payer.phone)
    _complete(tx, session, intent, customer_details(payer.email, payer.name, payer.phone or None))
    intent |= {
        "status": "requires_action",
        "payment_method": ids.new("payment_method"),
        "next_action": action,
    }
    intent["last_payment_error"] = None
    tx.save(intent)
    tx.save(session)
    deadline = action["konbini_display_details"]["expires_at"]
    timers.schedule(tx, "expire_voucher", session["id"], deadline + konbini.LATE_PAYMENT_SECONDS)
    test = konbini.outcome(payer.email, konbini.digits(payer.phone))
    if test and test.action:
        timers.schedule(tx, test.action, session["id"], clock.now() + test.delay)
    event.emit(tx, "payment_intent.requires_action", intent, session=session["id"])
    event.emit(tx, "checkout.session.completed", session, session=session["id"])
    return session


def pay_at_till(tx: Tx, session: Json, chain: str = "lawson") -> Json:
    """Let the customer pay the voucher in cash. Raises StateError when there is no voucher waiting."""
    intent = _voucher(tx, session)
    payer = session["customer_details"]
    made = charge.make(
        tx,
        intent,
        details=payer,
        billing={name: payer[name] for name in ("email", "name", "phone")},
        method_details={"type": "konbini", "konbini": {"store": {"chain": chain}}},
    )
    intent |= {"latest_charge": made["id"], "next_action": None}
    _succeed(tx, session, intent)
    event.emit(tx, "payment_intent.succeeded", intent, session=session["id"])
    event.emit(tx, "checkout.session.async_payment_succeeded", session, session=session["id"])
    return session


def expire_voucher(tx: Tx, session: Json) -> Json:
    """Let the voucher run out unpaid. Raises StateError when there is no voucher waiting."""
    intent = _voucher(tx, session)
    intent |= {
        "status": "requires_payment_method",
        "next_action": None,
        "last_payment_error": {
            "type": "invalid_request_error",
            "code": "payment_intent_payment_attempt_expired",
            "message": "The konbini payment was not made before the voucher expired.",
        },
    }
    tx.save(intent)
    event.emit(tx, "payment_intent.payment_failed", intent, session=session["id"])
    event.emit(tx, "checkout.session.async_payment_failed", session, session=session["id"])
    return session


def _submit(tx: Tx, session: Json, method: str) -> Json:
    if session["status"] != "open":
        raise StateError(f"This Checkout Session is {session['status']}; its form can no longer be submitted.")
    if session["expires_at"] <= clock.now():
        raise StateError("This Checkout Session has expired.")
    if method not in session["payment_method_types"]:
        raise StateError(f"This Checkout Session does not offer {method}.")
    intent = tx.get(session["payment_intent"] or "") or payment_intent.make(tx, session)
    session["payment_intent"] = intent["id"]
    return intent


def _complete(tx: Tx, session: Json, intent: Json, details: Json) -> None:
    if session["customer_creation"] == "always":
        session["customer"] = customer.make(tx, details, session["locale"])["id"]
    intent["customer"] = session["customer"]
    session |= {"status": "complete", "customer_details": details, "url": None}


def _succeed(tx: Tx, session: Json, intent: Json) -> None:
    intent |= {"status": "succeeded", "amount_received": intent["amount"], "last_payment_error": None}
    session["payment_status"] = "paid"
    tx.save(intent)
    tx.save(session)


def _voucher(tx: Tx, session: Json) -> Json:
    intent = tx.get(session["payment_intent"] or "")
    if intent is None or intent["status"] != "requires_action":
        raise StateError("This Checkout Session has no konbini voucher that waits for payment.")
    return intent
