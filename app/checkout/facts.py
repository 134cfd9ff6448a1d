"""What a Checkout Session, read from Stripe, says: the one place that knows the shape of Stripe's objects."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.kit.clock import from_unix
from app.orders.states import DISPUTE_LOST, RETURNED

# (session.status, session.payment_status) -> event of the payment's state table; where the form was sent but
# nothing paid, PaymentIntent.status -> event. What is not here (open, processing) tells nothing yet.
# Source: https://docs.stripe.com/payments/konbini/accept-a-payment; the session's status is inferred.
_BY_SESSION = {("expired", "unpaid"): "expired", ("complete", "paid"): "paid"}
_BY_INTENT = {"requires_action": "voucher_issued", "requires_payment_method": "failed", "canceled": "failed"}


@dataclass(frozen=True)
class RefundFact:
    """One refund; `amount` in yen, `status` in Stripe's words."""

    id: str
    amount: int
    status: str
    reason: str | None
    created_at: datetime


@dataclass(frozen=True)
class SessionFacts:
    """A Checkout Session with its PaymentIntent, charge, refunds and disputes. Amounts in yen.

    `amount_refunded` is what refunds took or are about to take, `amount_lost` what lost disputes took. `dispute` is
    Stripe's word for where the newest dispute stands. `created_at` is when the session was made, `paid_at` when its
    money came.
    """

    id: str
    created_at: datetime
    status: str
    url: str | None
    expires_at: datetime | None
    method: str | None
    live: bool
    mode: str
    currency: str
    amount_total: int
    order_id: str | None
    metadata: dict[str, str]
    event: str | None
    intent_id: str | None
    customer_id: str | None
    email: str | None
    voucher: dict[str, Any] | None
    voucher_expires_at: datetime | None
    paid_at: datetime | None
    receipt_url: str | None
    amount_refunded: int
    amount_lost: int
    dispute: str | None
    refunds: list[RefundFact]


def read_session(session: dict[str, Any]) -> SessionFacts:
    """Take a session as `StripeGateway.retrieve_session` gives it; absent or new fields do no harm."""
    intent = session.get("payment_intent") or {}
    charge = intent.get("latest_charge") or {}
    voucher = (intent.get("next_action") or {}).get("konbini_display_details")
    paid = session.get("payment_status") == "paid"
    disputes = charge.get("disputes") or []
    methods = session.get("payment_method_types") or []
    return SessionFacts(
        id=str(session["id"]),
        created_at=from_unix(session.get("created") or 0),
        status=session.get("status") or "",
        url=session.get("url"),
        expires_at=from_unix(session["expires_at"]) if session.get("expires_at") else None,
        method=methods[0] if len(methods) == 1 else None,
        live=bool(session.get("livemode")),
        mode=session.get("mode") or "",
        currency=session.get("currency") or "",
        amount_total=session.get("amount_total") or 0,
        order_id=session.get("client_reference_id"),
        metadata=session.get("metadata") or {},
        event=_event(session, intent, voucher=bool(voucher)),
        intent_id=intent.get("id"),
        customer_id=session.get("customer"),
        email=(session.get("customer_details") or {}).get("email"),
        voucher=_voucher(voucher) if voucher else None,
        voucher_expires_at=from_unix(voucher["expires_at"]) if voucher and voucher.get("expires_at") else None,
        # Stripe makes a charge when the money is taken: by card at once, for a konbini voucher at the till (inferred).
        paid_at=from_unix(charge["created"]) if paid and charge.get("created") else None,
        receipt_url=charge.get("receipt_url"),
        # A declined card leaves a charge too; only a paid session's charge can be refunded.
        amount_refunded=_refunded(charge) if paid else 0,
        amount_lost=sum(d["amount"] for d in disputes if d.get("status") in DISPUTE_LOST) if paid else 0,
        dispute=disputes[0].get("status") if disputes else None,
        refunds=[_refund(r) for r in (charge.get("refunds") or {}).get("data", [])],
    )


def _event(session: dict[str, Any], intent: dict[str, Any], *, voucher: bool) -> str | None:
    seen = (str(session.get("status")), str(session.get("payment_status")))
    # No text of Stripe's says whether a session is complete or still open while its voucher is out: the voucher counts.
    if seen == ("complete", "unpaid") or (seen == ("open", "unpaid") and voucher):
        return _BY_INTENT.get(str(intent.get("status")))
    return _BY_SESSION.get(seen)


def _voucher(details: dict[str, Any]) -> dict[str, Any]:
    return {"hosted_url": details.get("hosted_voucher_url"), "stores": details.get("stores") or {}}


def _refunded(charge: dict[str, Any]) -> int:
    """Add up the refunds that count.

    Whether the charge's own sum counts a refund under way is not documented, so it is used only where Stripe does not
    show all refunds (it shows ten).
    """
    shown = charge.get("refunds")
    if not shown or shown.get("has_more"):
        return charge.get("amount_refunded") or 0
    return sum(refund["amount"] for refund in shown["data"] if refund.get("status") not in RETURNED)


def _refund(refund: dict[str, Any]) -> RefundFact:
    return RefundFact(
        id=refund["id"],
        amount=refund["amount"],
        status=refund.get("status") or "pending",
        reason=refund.get("reason"),
        created_at=from_unix(refund["created"]),
    )
