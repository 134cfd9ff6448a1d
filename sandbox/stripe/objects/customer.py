"""Customers: made by Checkout when the session says `customer_creation=always`, never for guests."""

from __future__ import annotations

from sandbox.stripe import clock, ids, lists
from sandbox.stripe.call import Call
from sandbox.stripe.objects import event
from sandbox.stripe.store import EMAIL, Json, Tx

# Case-sensitive, says https://docs.stripe.com/api/customers/list .
_FILTERS: lists.Filters = {"email": f"{EMAIL} = lower(?) AND {lists.field('email')}"}


def make(tx: Tx, details: Json, locale: str | None, session_id: str) -> Json:
    """Store a Customer from what the payer typed."""
    customer_id = ids.new("customer")
    customer = tx.add(
        {
            "id": customer_id,
            "object": "customer",
            "address": details["address"],
            "balance": 0,
            "created": clock.now(),
            "delinquent": False,
            "email": details["email"],
            "invoice_prefix": customer_id[-8:].upper(),
            "invoice_settings": {},
            "livemode": False,
            "metadata": {},
            "name": details["name"],
            "next_invoice_sequence": 1,
            "phone": details["phone"],
            "preferred_locales": [locale] if locale else [],
            "tax_exempt": "none",
        }
    )
    event.emit(tx, "customer.created", customer, session=session_id)
    return customer


def retrieve(call: Call, customer: str) -> Json:
    """GET /v1/customers/<id>."""
    return call.find("customer", customer)


def list_(call: Call) -> Json:
    """GET /v1/customers."""
    return lists.page(call.tx, "customer", call.params, call.path, _FILTERS)
