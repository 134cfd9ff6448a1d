"""Customers: made by Checkout when the session says `customer_creation=always`, never for guests."""

from __future__ import annotations

from sandbox.stripe import clock, ids, lists
from sandbox.stripe.call import Call
from sandbox.stripe.store import Json, Tx

_FILTERS: lists.Filters = {"email": lists.field("email")}


def make(tx: Tx, details: Json, locale: str | None) -> Json:
    """Store a Customer from what the payer typed."""
    customer_id = ids.new("customer")
    return tx.add(
        {
            "id": customer_id,
            "object": "customer",
            "address": details["address"],
            "balance": 0,
            "created": clock.now(),
            "currency": None,
            "default_source": None,
            "delinquent": False,
            "description": None,
            "discount": None,
            "email": details["email"],
            "invoice_prefix": customer_id[-8:].upper(),
            "invoice_settings": {"custom_fields": None, "default_payment_method": None, "footer": None},
            "livemode": False,
            "metadata": {},
            "name": details["name"],
            "phone": details["phone"],
            "preferred_locales": [locale] if locale else [],
            "shipping": None,
            "tax_exempt": "none",
            "test_clock": None,
        }
    )


def retrieve(call: Call, customer: str) -> Json:
    """GET /v1/customers/<id>."""
    return call.find("customer", customer)


def list_(call: Call) -> Json:
    """GET /v1/customers."""
    return lists.page(call.tx, "customer", call.params, call.path, _FILTERS)
