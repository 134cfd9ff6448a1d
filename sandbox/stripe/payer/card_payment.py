"""Paying by card: at once, declined, or after the bank has asked the payer (3-D Secure)."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sandbox import config
from sandbox.stripe.errors import StateError
from sandbox.stripe.objects import charge, dispute, event, payment_method
from sandbox.stripe.payer import checkout
from sandbox.stripe.payer.cards import Card
from sandbox.stripe.payer.checkout import Payer
from sandbox.stripe.store import Json, Tx

# Words and type as in the fixtures of Stripe's own mobile SDKs.
NOT_AUTHENTICATED = {
    "type": "invalid_request_error",
    "code": "payment_intent_authentication_failure",
    "message": "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new "
    "PaymentMethod to attempt to fulfill this PaymentIntent again.",
}


@dataclass(frozen=True)
class Attempt:
    """A submitted card: the session, and one of the completed event, the decline, the PaymentIntent that asks."""

    session: Json
    completed: Json | None = None
    decline: Json | None = None
    challenge: Json | None = None


def pay(tx: Tx, session: Json, payer: Payer, card: Card) -> Attempt:
    """Submit the form with a card. A decline is recorded and leaves the session open for another try.

    Raises StateError when the form is closed.
    """
    intent = checkout.submit(tx, session, "card")
    details = card.method_details(None)
    method = payment_method.make(tx, address=payer.details["address"], billing=payer.billing, method_details=details)
    intent["payment_method"] = method["id"]
    if card.is_challenged(_request(session)):
        return _challenge(tx, session, intent, payer, card)
    return _charge(tx, session, intent, payer, card, challenged=False)


def authenticate(tx: Tx, session: Json, *, passed: bool) -> Attempt:
    """Let the payer answer the bank. Raises StateError when nothing is asked, or the session is over."""
    intent = tx.get(session["payment_intent"] or "")
    asked = intent["_sandbox"].get("challenge") if intent else None
    if intent is None or not asked:
        raise StateError("This Checkout Session does not wait for 3-D Secure.")
    intent = checkout.submit(tx, session, "card")
    if passed:
        return _charge(tx, session, intent, Payer(**asked["payer"]), Card(**asked["card"]), challenged=True)
    intent |= {"status": "requires_payment_method", "last_payment_error": NOT_AUTHENTICATED}
    tx.save(intent)
    event.emit(tx, "payment_intent.payment_failed", intent, session=session["id"])
    return Attempt(session, decline=NOT_AUTHENTICATED)


def _request(session: Json) -> str:
    options = session["payment_method_options"].get("card", {})
    return str(options.get("request_three_d_secure", "automatic"))


def _challenge(tx: Tx, session: Json, intent: Json, payer: Payer, card: Card) -> Attempt:
    # Inferred: Checkout's own next_action is not documented; this one is the documented kind with a page.
    url = f"{config.load().stripe_url}/3ds/{intent['id']}"
    intent |= {
        "status": "requires_action",
        "next_action": {"type": "redirect_to_url", "redirect_to_url": {"return_url": session["url"], "url": url}},
        "last_payment_error": None,
    }
    intent["_sandbox"]["challenge"] = {"payer": asdict(payer), "card": asdict(card)}
    tx.save(intent)
    tx.save(session)
    event.emit(tx, "payment_intent.requires_action", intent, session=session["id"])
    return Attempt(session, challenge=intent)


def _charge(tx: Tx, session: Json, intent: Json, payer: Payer, card: Card, *, challenged: bool) -> Attempt:
    decline = card.decline
    if not decline:
        checkout.complete(tx, session, intent, payer)
    details = card.method_details(card.three_d_secure(_request(session), challenged=challenged))
    made = charge.make(
        tx, intent, details=payer.details, billing=payer.billing, method_details=details, decline=decline
    )
    intent["latest_charge"] = made["id"]
    tx.save(session)
    if decline:
        intent |= {"status": "requires_payment_method", "last_payment_error": decline | {"charge": made["id"]}}
        tx.save(intent)
        event.emit(tx, "payment_intent.payment_failed", intent, session=session["id"])
        event.emit(tx, "charge.failed", made, session=session["id"])
        return Attempt(session, decline=decline)
    checkout.succeed(tx, session, intent)
    event.emit(tx, "payment_intent.succeeded", intent, session=session["id"])
    event.emit(tx, "charge.succeeded", made, session=session["id"])
    completed = event.emit(tx, "checkout.session.completed", session, session=session["id"])
    if card.test.dispute:
        dispute.open_(tx, made, card.test.dispute)
    return Attempt(session, completed=completed)
