"""Checkout Sessions: create, retrieve, list, expire."""

from __future__ import annotations

import copy
import re

from sandbox import config
from sandbox.stripe import clock, ids, lists, switches, timers
from sandbox.stripe.call import Call
from sandbox.stripe.errors import StateError, refuse
from sandbox.stripe.objects import account, event, line_items, payment_intent, session_rules
from sandbox.stripe.objects.metadata import merged
from sandbox.stripe.store import EMAIL, Json, Tx

DEFAULT_LIFE_SECONDS = 24 * 3600
DEFAULT_VOUCHER_DAYS = 3
_DAY = 24 * 3600

# What the account's own settings give a session that names none.
_BRANDING = {
    "background_color": "#ffffff",
    "border_style": "rounded",
    "button_color": "#0074d4",
    "display_name": account.DISPLAY_NAME,
    "font_family": "default",
}
_OPTIONS: dict[str, Json] = {
    "card": {"request_three_d_secure": "automatic"},
    "konbini": {"expires_after_days": DEFAULT_VOUCHER_DAYS},
}
_EITHER = "coalesce(json_extract(body, '$.customer_details.email'), json_extract(body, '$.customer_email'))"
_FILTERS: lists.Filters = {
    "customer": lists.field("customer"),
    "payment_intent": lists.field("payment_intent"),
    "payment_link": lists.field("payment_link"),
    "status": lists.field("status"),
}


def create(call: Call) -> Json:
    """POST /v1/checkout/sessions."""
    params = call.params
    methods = session_rules.check(call)
    items = [line_items.make(item, call.now) for item in params["line_items"]]
    session_id = ids.new("checkout.session")
    total = sum(item["amount_total"] for item in items)
    session = _body(session_id, params, call.now, total)
    given = params.get("payment_method_options", {})
    options = {method: {**_OPTIONS[method], **given.get(method, {})} for method in methods}
    session |= {"payment_method_types": list(methods), "payment_method_options": copy.deepcopy(options)}
    session["_sandbox"] = {
        "line_items": items,
        "payment_intent_data": params.get("payment_intent_data", {}),
        "payment_method_options": options,
    }
    timers.schedule(call.tx, "expire_session", session_id, session["expires_at"])
    return call.tx.add(session)


def _body(session_id: str, params: Json, now: int, total: int) -> Json:
    customer = params.get("customer")
    return {name: value for name, value in params.items() if name in session_rules.ECHOED} | {
        "id": session_id,
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": False},
        "amount_subtotal": total,
        "amount_total": total,
        "automatic_tax": {"enabled": False},
        "branding_settings": _BRANDING | params.get("branding_settings", {}),
        "created": now,
        "currency": "jpy",
        "custom_fields": [],
        "custom_text": params.get("custom_text", {}),
        "customer": customer,
        "customer_creation": None if customer else params.get("customer_creation", "if_required"),
        "discounts": [],
        "expires_at": params.get("expires_at", now + DEFAULT_LIFE_SECONDS),
        "invoice_creation": {"enabled": False, "invoice_data": {}},
        "livemode": False,
        "metadata": merged({}, params.get("metadata", {})),
        "mode": "payment",
        "name_collection": {
            name: {"optional": False, **given} for name, given in params.get("name_collection", {}).items()
        }
        or None,
        "payment_method_collection": "if_required",
        "payment_status": "unpaid",
        "phone_number_collection": params.get("phone_number_collection", {"enabled": False}),
        "shipping_options": [],
        "status": "open",
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "url": f"{config.load().stripe_url}/c/pay/{session_id}",
    }


def list_line_items(tx: Tx, session: Json) -> Json:
    """Give `line_items`, which a session shows only when asked by expand."""
    stored = tx.get(session["id"]) or session
    return lists.whole(stored["_sandbox"]["line_items"], f"/v1/checkout/sessions/{session['id']}/line_items")


def retrieve(call: Call, session: str) -> Json:
    """GET /v1/checkout/sessions/<id>."""
    return call.find("checkout.session", session, param="session")


def list_(call: Call) -> Json:
    """GET /v1/checkout/sessions, as far as the switches let it see."""
    filters = {**_FILTERS, "customer_details": by_email(call.tx)}
    return lists.page(call.tx, "checkout.session", call.params, call.path, filters, _visible(call.tx, call.now))


def by_email(tx: Tx) -> str:
    """Give the condition of the filter `customer_details[email]`, which the index of EMAIL serves in every case.

    Whether Stripe minds the case, and whether it finds an open session by its `customer_email`, is not known.
    """
    open_too = switches.get(tx, "open_sessions_listed")
    known = _EITHER if open_too else "json_extract(body, '$.customer_details.email')"
    same = f"{known} = ?" if switches.get(tx, "email_case_sensitive") else f"{known} IS NOT NULL"
    return f"{EMAIL} = lower(?) AND {same}"


def _visible(tx: Tx, now: int) -> list[str]:
    delay, days = switches.get(tx, "list_delay_seconds"), switches.get(tx, "list_keeps_days")
    conditions = []
    if delay:
        conditions.append(f"coalesce(json_extract(body, '$._sandbox.completed_at'), 0) <= {now - delay}")
    if days:
        conditions.append(f"created >= {now - days * _DAY}")
    return conditions


def list_items(call: Call, session: str) -> Json:
    """GET /v1/checkout/sessions/<id>/line_items."""
    found = call.find("checkout.session", session, param="session")
    return lists.slice_(found["_sandbox"]["line_items"], call.params, call.path)


def from_payment_link(tx: Tx, session: Json, link: str) -> Json:
    """Make the session one that a Payment Link began. Raises InvalidRequestError for what is no link's id."""
    if not re.fullmatch(r"plink_\w+", link):
        raise refuse(f"No such payment link: '{link}'", "payment_link", "resource_missing")
    return tx.save(session | {"payment_link": link})


def expire(call: Call, session: str) -> Json:
    """POST /v1/checkout/sessions/<id>/expire. Raises StateError unless the session is open."""
    return expire_now(call.tx, call.find("checkout.session", session, param="session"), call)


def expire_now(tx: Tx, session: Json, call: Call | None = None) -> Json:
    """Close an open form for ever; a known e-mail becomes visible to the list filter (SDK, `customer_details`)."""
    if session["status"] != "open" or session["_sandbox"].get("voucher_out"):
        raise StateError(
            f'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a '
            f"status of {session['status']}.",
            param="session",
        )
    session |= {"status": "expired", "url": None, "expires_at": min(session["expires_at"], clock.now())}
    if session["customer_email"]:
        session["customer_details"] = customer_details(session["customer_email"])
    tx.save(session)
    intent = tx.get(session["payment_intent"] or "")
    if intent:
        # Inferred: the SDK says of cancelling a PaymentIntent of Checkout "expire the Checkout Session instead".
        payment_intent.cancel_now(tx, intent, "automatic", call)
    event.emit(tx, "checkout.session.expired", session, session=session["id"], call=call)
    return session


def customer_details(email: str, name: str | None = None, phone: str | None = None) -> Json:
    """Give the payer as the session shows them."""
    address = dict.fromkeys(("city", "line1", "line2", "postal_code", "state")) | {"country": "JP"}
    return {
        "address": address,
        "email": email,
        "name": name,
        "phone": phone,
        "tax_exempt": "none",
        "tax_ids": [],
    }
