"""Line items: what a session sells, and what Stripe refuses of them."""

from __future__ import annotations

from sandbox.stripe import ids
from sandbox.stripe.errors import InvalidRequestError, refuse, refuse_unknown
from sandbox.stripe.objects.metadata import merged
from sandbox.stripe.shape import complete
from sandbox.stripe.store import Json

_KNOWN = {"metadata", "price", "price_data", "quantity"}
_PRICE_DATA_KNOWN = {"currency", "product_data", "tax_behavior", "unit_amount"}


def check(items: list[Json]) -> int:
    """Check them all and give their total in yen. Raises InvalidRequestError."""
    if not items:
        raise _missing("line_items")
    for index, item in enumerate(items):
        _check_one(item, f"line_items[{index}]")
    return sum(_amount(item) for item in items)


def _check_one(item: Json, where: str) -> None:
    refuse_unknown(item, _KNOWN, where)
    if "price" in item:
        raise refuse(f"No such price: '{item['price']}'", f"{where}[price]", "resource_missing")
    if "price_data" not in item:
        raise refuse("You must specify either `price` or `price_data`.", where, "parameter_missing")
    data = item["price_data"]
    refuse_unknown(data, _PRICE_DATA_KNOWN, f"{where}[price_data]")
    for name in ("unit_amount", "product_data"):
        if name not in data:
            raise _missing(f"{where}[price_data][{name}]")
    if data["currency"].lower() != "jpy":
        raise refuse("The Stripe stand-in sells in JPY only.", f"{where}[price_data][currency]")
    if data["unit_amount"] < 0 or item.get("quantity", 1) < 1:
        raise refuse("Invalid integer: must be positive", where, "parameter_invalid_integer")


def _missing(param: str) -> InvalidRequestError:
    return refuse(f"Missing required param: {param}.", param, "parameter_missing")


def _amount(item: Json) -> int:
    return int(item["price_data"]["unit_amount"] * item.get("quantity", 1))


def make(item: Json, now: int) -> Json:
    """Give one line item as Stripe shows it."""
    data = item["price_data"]
    return complete(
        {
            "id": ids.new("item"),
            "object": "item",
            "amount_discount": 0,
            "amount_subtotal": _amount(item),
            "amount_tax": 0,
            "amount_total": _amount(item),
            "currency": "jpy",
            "description": data["product_data"]["name"],
            "metadata": merged({}, item.get("metadata", {}), "line_items[metadata]"),
            "price": _price(data, now),
            "quantity": item.get("quantity", 1),
        }
    )


def _price(data: Json, now: int) -> Json:
    return {
        "id": ids.new("price"),
        "object": "price",
        "active": False,
        "billing_scheme": "per_unit",
        "created": now,
        "currency": "jpy",
        "livemode": False,
        "metadata": {},
        "product": ids.new("product"),
        "tax_behavior": data.get("tax_behavior", "unspecified"),
        "type": "one_time",
        "unit_amount": data["unit_amount"],
        "unit_amount_decimal": str(data["unit_amount"]),
    }
