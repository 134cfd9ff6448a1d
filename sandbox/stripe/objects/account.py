"""The account: a Japanese shop; which payment methods it may offer is a switch of each."""

from __future__ import annotations

from sandbox.stripe import switches
from sandbox.stripe.call import Call
from sandbox.stripe.shape import complete
from sandbox.stripe.store import Json, Tx

ID = "acct_1SandboxJapan0001"
DISPLAY_NAME = "Kaiseki Portal"
METHODS = ("card", "konbini")


def enabled_methods(tx: Tx) -> tuple[str, ...]:
    """Give the methods whose capability is active, as a page with dynamic payment methods offers them."""
    return tuple(method for method in METHODS if _capability(tx, method) == "active")


def _capability(tx: Tx, method: str) -> str:
    return str(switches.get(tx, f"{method}_capability"))


def retrieve(call: Call) -> Json:
    """GET /v1/account."""
    nothing_due: dict[str, list[str]] = {
        name: [] for name in ("currently_due", "errors", "eventually_due", "past_due", "pending_verification")
    }
    return complete(
        {
            "id": ID,
            "object": "account",
            "business_profile": {"name": DISPLAY_NAME},
            "business_type": "company",
            "capabilities": {f"{method}_payments": _capability(call.tx, method) for method in METHODS},
            "charges_enabled": True,
            "controller": {"type": "account"},
            "country": "JP",
            "created": 1700000000,
            "default_currency": "jpy",
            "details_submitted": True,
            "email": "owner@example.com",
            "future_requirements": nothing_due,
            "metadata": {},
            "payouts_enabled": True,
            "requirements": nothing_due,
            "settings": {
                "branding": {},
                "card_payments": {},
                "dashboard": {"display_name": DISPLAY_NAME, "timezone": "Asia/Tokyo"},
                "payments": {"statement_descriptor": "KAISEKI PORTAL"},
            },
            "type": "standard",
        }
    )
