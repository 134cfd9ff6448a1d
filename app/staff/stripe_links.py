"""Where staff look things up at Stripe: its dashboard, or the control page of the demo's stand-in."""

from app.models import Payment
from app.settings import Settings

DASHBOARD = "https://dashboard.stripe.com"


def payment_link(settings: Settings, payment: Payment) -> str | None:
    """Return the address of a payment with its refunds, or None before there is a PaymentIntent."""
    if settings.stripe_api_base:
        return f"{settings.stripe_api_base}/_control#{payment.session_id}" if payment.session_id else None
    return _link(settings, "payments", payment.payment_intent_id)


def customer_link(settings: Settings, payment: Payment) -> str | None:
    """Return the address of the payer; the stand-in has no page for one."""
    return None if settings.stripe_api_base else _link(settings, "customers", payment.customer_id)


def event_link(settings: Settings, event_id: str) -> str | None:
    """Return the address of an event; the stand-in shows its newest ones on one page."""
    base = settings.stripe_api_base
    return f"{base}/_control/events" if base else _link(settings, "events", event_id)


def _link(settings: Settings, kind: str, stripe_id: str | None) -> str | None:
    mode = "" if settings.live else "/test"
    return f"{DASHBOARD}{mode}/{kind}/{stripe_id}" if stripe_id else None
