"""What Stripe refuses when a Checkout Session is created, beyond the shape of the request."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from sandbox.stripe.call import Call
from sandbox.stripe.errors import not_implemented, refuse, refuse_unknown
from sandbox.stripe.objects import account, line_items
from sandbox.stripe.objects.metadata import merged
from sandbox.stripe.store import Json

KONBINI_YEN = (120, 300_000)
KONBINI_DAYS = (1, 60)
TOTAL_YEN = (50, 99_999_999)
LIFE_SECONDS = (30 * 60, 24 * 3600)
MAX_REFERENCE = 200
MAX_CUSTOM_TEXT = 1200

# Parameters that come back on the session as they were given.
ECHOED = frozenset(
    {
        "allowed_payment_method_types",
        "billing_address_collection",
        "branding_settings",
        "cancel_url",
        "client_reference_id",
        "consent_collection",
        "customer_email",
        "excluded_payment_method_types",
        "integration_identifier",
        "locale",
        "origin_context",
        "submit_type",
        "success_url",
    }
)
# Parameters with a meaning of their own here; the stand-in refuses the rest aloud.
HANDLED = ECHOED | {
    "currency",
    "custom_text",
    "customer",
    "customer_creation",
    "expand",
    "expires_at",
    "line_items",
    "metadata",
    "mode",
    "name_collection",
    "payment_intent_data",
    "payment_method_options",
    "phone_number_collection",
    "ui_mode",
}
PAYMENT_INTENT_DATA = (
    "description", "metadata", "receipt_email", "statement_descriptor", "statement_descriptor_suffix",
)  # fmt: skip


def check(call: Call) -> tuple[str, ...]:
    """Check all rules and give the payment methods that the page offers. Raises InvalidRequestError."""
    params = call.params
    refuse_unknown(params, HANDLED)
    refuse_unknown(params.get("payment_intent_data", {}), PAYMENT_INTENT_DATA, "payment_intent_data")
    refuse_unknown(params.get("payment_method_options", {}), account.METHODS, "payment_method_options")
    _supported(params)
    _urls(params)
    _customer(call)
    _expires_at(params, call.now)
    _lengths(params)
    _konbini_days(params)
    return _methods(params, _total(params), account.enabled_methods(call.tx))


def plausible_email(text: str) -> bool:
    """Tell whether Stripe's form would take this as an e-mail address."""
    return re.fullmatch(r"[^\s@<>,;]+@[^\s@<>,;.]+(\.[^\s@<>,;.]+)+", text) is not None


def _supported(params: Json) -> None:
    for name in ("mode", "success_url"):
        if name not in params:
            raise refuse(f"Missing required param: {name}.", name, "parameter_missing")
    for name, only in (("mode", "payment"), ("ui_mode", "hosted_page"), ("currency", "jpy")):
        if params.get(name, only) != only:
            raise not_implemented(f"{name}={params[name]}", name)


def _urls(params: Json) -> None:
    for name in ("success_url", "cancel_url"):
        parts = urlsplit(params.get(name, "http://shop"))
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise refuse("Not a valid URL", name, "url_invalid")


def _customer(call: Call) -> None:
    params = call.params
    for other in ("customer_email", "customer_creation"):
        if "customer" in params and other in params:
            raise refuse(f"You may only specify one of these parameters: customer, {other}.", "customer")
    if "customer" in params:
        call.find("customer", params["customer"], param="customer")
    email = params.get("customer_email")
    if email is not None and not plausible_email(email):
        raise refuse(f"Invalid email address: {email}", "customer_email", "email_invalid")


def _expires_at(params: Json, now: int) -> None:
    life = params.get("expires_at", now + LIFE_SECONDS[1]) - now
    if not LIFE_SECONDS[0] <= life <= LIFE_SECONDS[1]:
        raise refuse(
            "The `expires_at` timestamp must be from 30 minutes to 24 hours after Checkout Session creation.",
            "expires_at",
        )


def _lengths(params: Json) -> None:
    if len(params.get("client_reference_id", "")) > MAX_REFERENCE:
        raise refuse(f"Invalid string: must be at most {MAX_REFERENCE} characters", "client_reference_id")
    merged({}, params.get("metadata", {}))
    merged({}, params.get("payment_intent_data", {}).get("metadata", {}), "payment_intent_data[metadata]")
    for name, text in params.get("custom_text", {}).items():
        if text and len(text["message"]) > MAX_CUSTOM_TEXT:
            raise refuse(f"Custom text is at most {MAX_CUSTOM_TEXT} characters.", f"custom_text[{name}][message]")


def _konbini_days(params: Json) -> None:
    days = params.get("payment_method_options", {}).get("konbini", {}).get("expires_after_days")
    low, high = KONBINI_DAYS
    if days is not None and not low <= days <= high:
        raise refuse(
            f"This value must be between {low} and {high} (inclusive).",
            "payment_method_options[konbini][expires_after_days]",
            "parameter_invalid_integer",
        )


def _total(params: Json) -> int:
    total = line_items.check(params.get("line_items", []))
    low, high = TOTAL_YEN
    if total < low:
        message = f"The Checkout Session's total amount due must add up to at least ¥{low} jpy"
        raise refuse(message, "line_items", "amount_too_small")
    if total > high:
        raise refuse(f"The Checkout Session's total amount is over ¥{high:,} jpy", "line_items", "amount_too_large")
    return total


def _methods(params: Json, total: int, enabled: tuple[str, ...]) -> tuple[str, ...]:
    allowed = params.get("allowed_payment_method_types")
    excluded = params.get("excluded_payment_method_types", [])
    where = "allowed_payment_method_types"
    if allowed is not None and excluded:
        raise refuse(f"You may only specify one of these parameters: {where}, excluded_payment_method_types.", where)
    low, high = KONBINI_YEN
    unfit = () if low <= total <= high else ("konbini",)
    if set(unfit) & set(allowed or ()):
        raise refuse(f"konbini takes from ¥{low:,} to ¥{high:,}; this session has ¥{total:,}.", where)
    offered = tuple(
        method for method in enabled if (allowed is None or method in allowed) and method not in (*excluded, *unfit)
    )
    if not offered:
        raise refuse(
            "No valid payment method types for this Checkout Session. Please ensure that you have activated payment "
            "methods compatible with your chosen currency in your dashboard "
            "(https://dashboard.stripe.com/settings/payment_methods).",
            where,
        )
    return offered
