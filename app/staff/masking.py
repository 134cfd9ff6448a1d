"""What staff see of a Stripe event: all of its shape, amounts, states and ids, nothing of the person who pays.

A text is shown only where it is known to be harmless (the names below, and Stripe's own ids); every other one is
hidden, so a field that Stripe adds tomorrow is hidden too. So are the links in it: whoever has one may pay, or read a
receipt.
"""

import json
import re
from typing import Any

from app.kit.addresses import masked

HIDDEN = "***"
UNREADABLE = "{}"

# Fields whose text is Stripe's, or ours, whatever the object: https://docs.stripe.com/api
SHOWN = frozenset((
    "api_version", "authentication_flow", "brand", "calculated_statement_descriptor", "cancellation_reason",
    "capture_method", "client_reference_id", "code", "confirmation_method", "currency", "customer_creation",
    "decline_code", "failure_code", "funding", "idempotency_key", "locale", "mode", "network",
    "network_decline_code", "network_status", "object", "payment_method_collection", "payment_method_types",
    "payment_status", "pending_reason", "reason", "request_three_d_secure", "result", "result_reason", "risk_level",
    "status", "submit_type", "tax_exempt", "type", "ui_mode",
))  # fmt: skip
# What we wrote into an object ourselves (app.gateways.stripe, app.checkout.refunds, staff_refunds).
METADATA = frozenset({"order_id", "portal", "attempt", "begun_at", "price", "handling", "terms", "payment", "request"})
# Objects about the payer: there, numbers are hidden too (when a card ends, somebody's birthday).
PERSONAL = frozenset((
    "billing_details", "card", "collected_information", "custom_fields", "customer_details", "destination_details",
    "evidence", "shipping", "shipping_details",
))  # fmt: skip
_STRIPE_ID = re.compile(
    r"(?:acct|ch|cs|cus|dp|du|evt|fee|in|li|pi|pm|price|prod|py|pyr|re|req|src|txn|we)_(?:test_|live_)?[A-Za-z0-9]+"
)
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")


def masked_payload(payload: str | None) -> str:
    """Return the JSON of an event as pages show it: indented, nobody's data in it; `{}` where none can be read."""
    try:
        return json.dumps(masked_value(json.loads(payload or "{}")), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return UNREADABLE


def masked_value(value: Any, name: str = "", *, personal: bool = False, ours: bool = False) -> Any:  # noqa: ANN401  (JSON)
    """Return a value of JSON without what could be of a person.

    `name` is its field; `personal`: of an object about the payer; `ours`: of `metadata`.
    """
    if isinstance(value, dict):
        return {
            key: masked_value(
                inner, key, personal=personal or key in PERSONAL, ours=name == "metadata" and key in METADATA
            )
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [masked_value(inner, name, personal=personal, ours=ours) for inner in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value if ours or name in SHOWN else _text(value)
    return HIDDEN if personal else value


def _text(value: str) -> str:
    if not value or _STRIPE_ID.fullmatch(value):
        return value
    return masked(value) if _ADDRESS.fullmatch(value) else HIDDEN
