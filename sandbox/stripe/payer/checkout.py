"""What every submission of the hosted form does to its session and PaymentIntent."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sandbox.stripe import clock, switches
from sandbox.stripe.errors import StateError
from sandbox.stripe.objects import customer, payment_intent
from sandbox.stripe.objects.session import customer_details
from sandbox.stripe.store import Json, Tx


@dataclass(frozen=True)
class Payer:
    """What the payer typed beside the card."""

    email: str
    name: str
    phone: str = ""

    @property
    def details(self) -> Json:
        """Give the session's `customer_details`."""
        return customer_details(self.email, self.name, self.phone or None)

    @property
    def billing(self) -> Json:
        """Give the part of the charge's `billing_details` that the payer typed."""
        return asdict(self) | {"phone": self.phone or None}


def find_session(tx: Tx, session_id: str) -> Json:
    """Give the session or raise NotFoundError."""
    return tx.need(session_id, "checkout.session", "session")


def locked_email(tx: Tx, session: Json) -> str | None:
    """Give the address that the form shows but does not let change, or None when the payer may type one.

    A known customer's is locked (SDK, `customer`); whether `customer_email` is, is not known: a switch.
    """
    if session["customer"]:
        owner = tx.get(session["customer"])
        return owner["email"] if owner else ""
    if session["customer_email"] and not switches.get(tx, "customer_email_editable"):
        return str(session["customer_email"])
    return None


def submit(tx: Tx, session: Json, method: str) -> Json:
    """Begin an attempt: give the session's PaymentIntent, freed of what an earlier attempt left.

    Raises StateError when the form is closed or does not offer the method.
    """
    if session["status"] != "open" or session["_sandbox"].get("voucher_out"):
        raise StateError(f"This Checkout Session is {session['status']}; its form can no longer be submitted.")
    if session["expires_at"] <= clock.now():
        raise StateError("This Checkout Session has expired.")
    if method not in session["payment_method_types"]:
        raise StateError(f"This Checkout Session does not offer {method}.")
    intent = tx.get(session["payment_intent"] or "") or payment_intent.make(tx, session)
    session["payment_intent"] = intent["id"]
    intent["next_action"] = None
    intent["_sandbox"].pop("challenge", None)
    return intent


def complete(tx: Tx, session: Json, intent: Json, payer: Payer) -> None:
    """Close the form: the session knows its payer now."""
    if session["customer_creation"] == "always":
        session["customer"] = customer.make(tx, payer.details, session["locale"], session["id"])["id"]
    intent["customer"] = session["customer"]
    session |= {"status": "complete", "customer_details": payer.details, "url": None}
    session["_sandbox"]["completed_at"] = clock.now()


def succeed(tx: Tx, session: Json, intent: Json) -> None:
    """Say that the money is there."""
    intent |= {"status": "succeeded", "amount_received": intent["amount"], "last_payment_error": None}
    session |= {"payment_status": "paid", "status": "complete", "url": None}
    session["_sandbox"].pop("voucher_out", None)
    tx.save(intent)
    tx.save(session)
