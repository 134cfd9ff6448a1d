"""Checkout Sessions: create, retrieve, list, expire."""

from __future__ import annotations

from sandbox import config
from sandbox.stripe import clock, ids, lists, timers
from sandbox.stripe.call import Call
from sandbox.stripe.errors import StateError
from sandbox.stripe.objects import event, line_items, session_rules
from sandbox.stripe.objects.metadata import merged
from sandbox.stripe.store import Json, Tx

DEFAULT_LIFE_SECONDS = 24 * 3600

_CUSTOM_TEXTS = ("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")
_FILTERS: lists.Filters = {
    "customer": lists.field("customer"),
    "customer_details": lists.field("customer_details.email"),
    "payment_intent": lists.field("payment_intent"),
    "payment_link": lists.field("payment_link"),
    "status": lists.field("status"),
}


def create(call: Call) -> Json:
    """POST /v1/checkout/sessions."""
    params = call.params
    methods = session_rules.check(call)
    items = [line_items.make(item) for item in params["line_items"]]
    session_id = ids.new("checkout.session")
    total = sum(item["amount_total"] for item in items)
    session = _body(session_id, params, call.now, total, list(methods))
    session["_sandbox"] = {
        "line_items": items,
        "payment_intent_data": params.get("payment_intent_data", {}),
    }
    timers.schedule(call.tx, "expire_session", session_id, session["expires_at"])
    return call.tx.add(session)


def _body(session_id: str, params: Json, now: int, total: int, methods: list[str]) -> Json:
    hidden = {"customer_account", "discounts", "line_items", "payment_intent_data", "expand"}
    body: Json = dict.fromkeys(session_rules.ECHOED)
    body |= {name: value for name, value in params.items() if name in session_rules.ECHOED - hidden}
    customer = params.get("customer")
    creation = None if customer else params.get("customer_creation", "if_required")
    return body | {
        "id": session_id,
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": False},
        "amount_subtotal": total,
        "amount_total": total,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "client_secret": None,
        "collected_information": None,
        "consent": None,
        "created": now,
        "currency": "jpy",
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": dict.fromkeys(("after_submit", "shipping_address", "submit", "terms_of_service_acceptance"))
        | params.get("custom_text", {}),
        "customer": customer,
        "customer_account": None,
        "customer_creation": creation,
        "customer_details": None,
        "discounts": [],
        "expires_at": params.get("expires_at", now + DEFAULT_LIFE_SECONDS),
        "invoice": None,
        "livemode": False,
        "metadata": merged({}, params.get("metadata", {})),
        "mode": "payment",
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": "if_required",
        "payment_method_configuration_details": None,
        "payment_method_options": params.get("payment_method_options", {}),
        "payment_method_types": methods,
        "payment_status": "unpaid",
        "permissions": None,
        "phone_number_collection": params.get("phone_number_collection", {"enabled": False}),
        "recovered_from": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "subscription": None,
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "url": f"{config.load().stripe_url}/c/pay/{session_id}",
        "wallet_options": None,
    }


def list_line_items(tx: Tx, session: Json) -> Json:
    """Give `line_items`, which a session shows only when asked by expand."""
    stored = tx.get(session["id"]) or session
    return lists.whole(stored["_sandbox"]["line_items"], f"/v1/checkout/sessions/{session['id']}/line_items")


def retrieve(call: Call, session: str) -> Json:
    """GET /v1/checkout/sessions/<id>."""
    return call.find("checkout.session", session, param="session")


def list_(call: Call) -> Json:
    """GET /v1/checkout/sessions."""
    return lists.page(call.tx, "checkout.session", call.params, call.path, _FILTERS)


def expire(call: Call, session: str) -> Json:
    """POST /v1/checkout/sessions/<id>/expire. Raises StateError unless the session is open."""
    return expire_now(call.tx, call.find("checkout.session", session, param="session"), call)


def expire_now(tx: Tx, session: Json, call: Call | None = None) -> Json:
    """Close an open form for ever; a known e-mail becomes visible to the list filter (stripe.md 3.1)."""
    if session["status"] != "open":
        raise StateError(
            f'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a '
            f"status of {session['status']}.",
            param="session",
        )
    session |= {"status": "expired", "url": None, "expires_at": min(session["expires_at"], clock.now())}
    if session["customer_email"]:
        session["customer_details"] = customer_details(session["customer_email"])
    tx.save(session)
    event.emit(tx, "checkout.session.expired", session, session=session["id"], call=call)
    return session


def customer_details(email: str, name: str | None = None, phone: str | None = None) -> Json:
    """Give the payer as the session shows them."""
    address = dict.fromkeys(("city", "line1", "line2", "postal_code", "state")) | {"country": "JP"}
    return {
        "address": address,
        "business_name": None,
        "email": email,
        "individual_name": None,
        "name": name,
        "phone": phone,
        "tax_exempt": "none",
        "tax_ids": [],
    }
