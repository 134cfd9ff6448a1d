"""What a new Checkout Session is made of: what the portal wants, and how Stripe is told so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from stripe.params.checkout import SessionCreateParams

# Stripe wants expires_at 30 minutes to 24 hours ahead.
SESSION_LIFE = timedelta(hours=24) - timedelta(minutes=5)


@dataclass(frozen=True)
class SessionRequest:
    """What a new Checkout Session is made of. `price` and `handling` are in yen.

    Stripe refuses a repeat that differs under the same idempotency key, so nothing here may depend on when or
    by whom the attempt is repeated: `begun_at` is the moment of the attempt, not of the call. What the ledger knows of
    an attempt and Stripe would not is kept as metadata, so that `portal rebuild` finds it there.
    """

    attempt_id: str
    begun_at: datetime
    order_id: str
    portal_id: str
    email: str
    method: Literal["card", "konbini"]
    name: str
    price: int
    handling: int
    handling_name: str
    locale: Literal["ja", "en"]
    success_url: str
    cancel_url: str
    submit_note: str
    expires_after_days: int | None
    terms_version: str


def create_params(wanted: SessionRequest) -> SessionCreateParams:
    """Return the parameters of the call that makes the session."""
    lines: list[Any] = [_line(wanted.name, wanted.price)]
    if wanted.handling:
        lines.append(_line(wanted.handling_name, wanted.handling))
    metadata = {
        "order_id": wanted.order_id,
        "portal": wanted.portal_id,
        "attempt": wanted.attempt_id,
        "begun_at": wanted.begun_at.isoformat(),
        "price": str(wanted.price),
        "handling": str(wanted.handling),
        "terms": wanted.terms_version,
    }
    params: SessionCreateParams = {
        "mode": "payment",
        "allowed_payment_method_types": [wanted.method],
        "client_reference_id": wanted.order_id,
        "customer_email": wanted.email,
        "customer_creation": "always",
        "line_items": lines,
        "locale": wanted.locale,
        "metadata": metadata,
        "payment_intent_data": {"metadata": metadata},
        "custom_text": {"submit": {"message": wanted.submit_note}},
        "success_url": wanted.success_url,
        "cancel_url": wanted.cancel_url,
        "expires_at": int((wanted.begun_at + SESSION_LIFE).timestamp()),
    }
    if wanted.expires_after_days is not None:
        params["payment_method_options"] = {"konbini": {"expires_after_days": wanted.expires_after_days}}
    if wanted.method == "card":
        # Japan's card security guideline asks for EMV 3-D Secure (security-bar 5.4).
        params["payment_method_options"] = {"card": {"request_three_d_secure": "any"}}
    return params


def _line(name: str, amount: int) -> dict[str, Any]:
    return {
        "quantity": 1,
        "price_data": {"currency": "jpy", "unit_amount": amount, "product_data": {"name": name}},
    }
