"""Objects in full: every field that the pinned stripe-python's resource classes declare.

The object files give what has a value; what else its class declares is null, as Stripe itself answers.
"""

from __future__ import annotations

from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeAlias, Union, get_args, get_origin, get_type_hints

import stripe
from stripe._object_classes import get_object_class

Json: TypeAlias = dict[str, Any]

# Classes of which Stripe shows only the fields that apply (of a card payment `card`, never `konbini: null`).
ONLY_WHAT_APPLIES = frozenset(
    {
        "AmountDetails",
        "Capabilities",
        "DestinationDetails",
        "EnhancedEligibility",
        "EnhancedEvidence",
        "FraudDetails",
        "LastPaymentError",
        "NextAction",
        "PaymentMethodDetails",
        "PaymentMethodOptions",
        "Wallet",
    }
)
# Class -> fields that Stripe leaves out unless expanded, or unless they say something (`deleted`, `account`).
LEFT_OUT: dict[str, frozenset[str]] = {
    "Account": frozenset({"deleted", "external_accounts", "groups", "individual"}),
    "Charge": frozenset({"level3", "refunds", "transfer"}),
    "Customer": frozenset({"cash_balance", "deleted", "sources", "subscriptions", "tax", "tax_ids"}),
    "Data": frozenset({"previous_attributes"}),
    "Event": frozenset({"account", "context"}),
    "LineItem": frozenset({"discounts", "taxes"}),
    "Price": frozenset({"currency_options", "deleted", "tiers"}),
    "Session": frozenset({"line_items"}),
    "TotalDetails": frozenset({"breakdown"}),
    "WebhookEndpoint": frozenset({"deleted", "secret"}),
}


def complete(body: Json) -> Json:
    """Add what an API object (or a line item, ...) lacks of its class, nested objects too; give it back."""
    _fill(get_object_class("V1", body["object"]), body)
    return body


def _fill(class_: type, body: Json) -> None:
    for name, (optional, inner) in _fields(class_).items():
        value = body.setdefault(name, None) if optional else body.get(name)
        for part in value if isinstance(value, list) else [value]:
            if inner and isinstance(part, dict):
                _fill(inner, part)


@cache
def _fields(class_: type) -> dict[str, tuple[bool, type | None]]:
    """Give each declared field: whether null stands for its absence, and the class of what is inside."""
    left_out = LEFT_OUT.get(class_.__name__, frozenset())
    partial = class_.__name__ in ONLY_WHAT_APPLIES
    found = {}
    for name, hint in declared(class_).items():
        options = flat(hint)
        inner = next((one for option in options for one in (option, *get_args(option)) if _is_object(one)), None)
        found[name] = (NoneType in options and not partial and name not in left_out, inner)
    return found


def declared(class_: type) -> dict[str, Any]:
    """Give the fields that a class declares, with their types."""
    hints = get_type_hints(class_, localns=_Names())
    return {name: hint for name, hint in hints.items() if not name.startswith("_") and name != "OBJECT_NAME"}


def flat(hint: Any) -> list[Any]:  # noqa: ANN401  (annotations are data here)
    """Give the alternatives of a type: `Optional[str]` is str or None."""
    if get_origin(hint) in (Union, UnionType):
        return [one for option in get_args(hint) for one in flat(option)]
    return [hint]


def _is_object(hint: Any) -> bool:  # noqa: ANN401
    return isinstance(hint, type) and issubclass(hint, stripe.StripeObject) and hint is not stripe.StripeObject


class _Names(dict[str, Any]):
    """The names that the SDK's modules import for type checkers only."""

    def __missing__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(stripe, name, stripe.StripeObject)
