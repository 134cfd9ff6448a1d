"""What Stripe refuses when a Checkout Session is created, beyond the shape of the parameters (stripe.md 8.2)."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from sandbox.stripe.call import Call
from sandbox.stripe.errors import InvalidRequestError
from sandbox.stripe.objects import account
from sandbox.stripe.objects.metadata import merged
from sandbox.stripe.store import Json

KONBINI_YEN = (120, 300_000)
KONBINI_DAYS = (1, 60)
CARD_MINIMUM_YEN = 50
MAX_YEN = 99_999_999
LIFE_SECONDS = (30 * 60, 24 * 3600)
MAX_REFERENCE = 200
MAX_CUSTOM_TEXT = 1200

# Parameters that come back on the session as they were given.
ECHOED = frozenset(
    {
        "allowed_payment_method_types", "billing_address_collection", "branding_settings", "cancel_url",
        "client_reference_id", "consent_collection", "customer_email", "excluded_payment_method_types",
        "integration_identifier", "locale", "name_collection", "origin_context", "submit_type", "success_url",
    }
)  # fmt: skip
# Parameters with a meaning of their own here. The stand-in refuses the rest aloud: it would ignore them otherwise.
HANDLED = ECHOED | {
    "currency", "custom_text", "customer", "customer_creation", "expand", "expires_at", "line_items", "metadata",
    "mode", "payment_intent_data", "payment_method_options", "phone_number_collection", "ui_mode",
}  # fmt: skip
PAYMENT_INTENT_DATA = {
    "description",
    "metadata",
    "receipt_email",
    "statement_descriptor",
    "statement_descriptor_suffix",
}
METHOD_OPTIONS = {"card", "konbini"}


def check(call: Call) -> tuple[str, ...]:
    """Check all rules and give the payment methods that the page offers. Raises InvalidRequestError."""
    params = call.params
    _only(params, HANDLED, "")
    _only(params.get("payment_intent_data", {}), PAYMENT_INTENT_DATA, "payment_intent_data")
    _only(params.get("payment_method_options", {}), METHOD_OPTIONS, "payment_method_options")
    _supported(params)
    _urls(params)
    _customer(call)
    _limits(params, call.now)
    return _methods(params, _total(params))


def refuse(message: str, param: str, code: str | None = None) -> InvalidRequestError:
    """Make the refusal of one parameter."""
    return InvalidRequestError(message, param=param, code=code)


def _only(params: Json, known: set[str] | frozenset[str], where: str) -> None:
    for name in params:
        if name not in known:
            path = f"{where}[{name}]" if where else name
            raise refuse(f"The Stripe stand-in does not implement {path} (Stripe itself knows it).", path)


def _supported(params: Json) -> None:
    if "mode" not in params:
        raise refuse("Missing required param: mode.", "mode", "parameter_missing")
    for name, only in (("mode", "payment"), ("ui_mode", "hosted_page"), ("currency", "jpy")):
        if params.get(name, only) != only:
            raise refuse(f"The Stripe stand-in knows only {name}={only}.", name)


def _urls(params: Json) -> None:
    if "success_url" not in params:
        raise refuse("Missing required param: success_url.", "success_url", "parameter_missing")
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


def plausible_email(text: str) -> bool:
    """Tell whether Stripe's form would take this as an e-mail address."""
    return re.fullmatch(r"[^\s@<>,;]+@[^\s@<>,;.]+(\.[^\s@<>,;.]+)+", text) is not None


def _limits(params: Json, now: int) -> None:
    if len(params.get("client_reference_id", "")) > MAX_REFERENCE:
        raise refuse(f"Invalid string: must be at most {MAX_REFERENCE} characters", "client_reference_id")
    if "expires_at" in params:
        shortest, longest = LIFE_SECONDS
        if params["expires_at"] < now + shortest:
            raise refuse("The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.",
                         "expires_at")  # fmt: skip
        if params["expires_at"] > now + longest:
            raise refuse("The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.",
                         "expires_at")  # fmt: skip
    merged({}, params.get("metadata", {}))
    merged({}, params.get("payment_intent_data", {}).get("metadata", {}), "payment_intent_data[metadata]")
    for name, text in params.get("custom_text", {}).items():
        if text and len(text["message"]) > MAX_CUSTOM_TEXT:
            raise refuse(
                f"Custom text is at most {MAX_CUSTOM_TEXT} characters.", f"custom_text[{name}][message]"
            )
    days = params.get("payment_method_options", {}).get("konbini", {}).get("expires_after_days")
    if days is not None and not KONBINI_DAYS[0] <= days <= KONBINI_DAYS[1]:
        raise refuse("This value must be between 1 and 60 (inclusive).",
                     "payment_method_options[konbini][expires_after_days]", "parameter_invalid_integer")  # fmt: skip


def _total(params: Json) -> int:
    if not params.get("line_items"):
        raise refuse("Missing required param: line_items.", "line_items", "parameter_missing")
    total = 0
    for index, item in enumerate(params["line_items"]):
        where = f"line_items[{index}]"
        _only(item, {"price_data", "quantity", "price", "metadata"}, where)
        if "price" in item:
            raise refuse(f"No such price: '{item['price']}'", f"{where}[price]", "resource_missing")
        data = item.get("price_data")
        if data is None:
            raise refuse("You must specify either `price` or `price_data`.", where, "parameter_missing")
        _only(data, {"currency", "product_data", "unit_amount", "tax_behavior"}, f"{where}[price_data]")
        for name in ("unit_amount", "product_data"):
            if name not in data:
                raise refuse(f"Missing required param: {where}[price_data][{name}].", f"{where}[price_data][{name}]",
                             "parameter_missing")  # fmt: skip
        if data["currency"].lower() != "jpy":
            raise refuse("The Stripe stand-in sells in JPY only.", f"{where}[price_data][currency]")
        if data["unit_amount"] < 0 or item.get("quantity", 1) < 1:
            raise refuse("Invalid integer: must be greater than zero", where, "parameter_invalid_integer")
        total += data["unit_amount"] * item.get("quantity", 1)
    if total < CARD_MINIMUM_YEN:
        raise refuse("The Checkout Session's total amount due must add up to at least ¥50 jpy", "line_items",
                     "amount_too_small")  # fmt: skip
    if total > MAX_YEN:
        raise refuse("The Checkout Session's total amount is too large.", "line_items", "amount_too_large")
    return total


def _methods(params: Json, total: int) -> tuple[str, ...]:
    allowed, excluded = (
        params.get("allowed_payment_method_types"),
        params.get("excluded_payment_method_types", []),
    )
    if allowed is not None and excluded:
        raise refuse("You may only specify one of these parameters: allowed_payment_method_types, "
                     "excluded_payment_method_types.", "allowed_payment_method_types")  # fmt: skip
    konbini = KONBINI_YEN[0] <= total <= KONBINI_YEN[1]
    if not konbini and "konbini" in (allowed or ()):
        raise refuse(f"konbini takes from ¥{KONBINI_YEN[0]} to ¥{KONBINI_YEN[1]:,}; this session has ¥{total:,}.",
                     "allowed_payment_method_types")  # fmt: skip
    offered = tuple(
        method
        for method in account.ENABLED_METHODS
        if method not in excluded
        and (allowed is None or method in allowed)
        and (method != "konbini" or konbini)
    )
    if not offered:
        raise refuse(
            "No valid payment method types for this Checkout Session.", "allowed_payment_method_types"
        )
    return offered
