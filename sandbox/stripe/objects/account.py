"""The account: a Japanese shop with cards and konbini enabled in its Dashboard."""

from __future__ import annotations

from sandbox.stripe.call import Call
from sandbox.stripe.store import Json

ID = "acct_1SandboxJapan0001"
DISPLAY_NAME = "Kaiseki Portal"
ENABLED_METHODS = ("card", "konbini")


def retrieve(_call: Call) -> Json:
    """GET /v1/account."""
    return {
        "id": ID,
        "object": "account",
        "business_profile": {"name": DISPLAY_NAME, "support_email": None, "url": None},
        "business_type": "company",
        "capabilities": {f"{method}_payments": "active" for method in ENABLED_METHODS},
        "charges_enabled": True,
        "country": "JP",
        "created": 1700000000,
        "default_currency": "jpy",
        "details_submitted": True,
        "email": "owner@example.com",
        "payouts_enabled": True,
        "settings": {"dashboard": {"display_name": DISPLAY_NAME, "timezone": "Asia/Tokyo"}},
        "type": "standard",
    }
