"""What an object looked like at an older API version: one table of Stripe's breaking changes, each with its source.

Only changes of objects that the stand-in has are here. What a version merely added stays visible at older ones:
Stripe calls that backwards-compatible (https://docs.stripe.com/upgrades).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

import stripe
from stripe.params import WebhookEndpointCreateParams

from sandbox.stripe import lists
from sandbox.stripe.store import Json, Tx, public

LATEST = stripe.api_version
OLDEST = "2022-08-01"


def _with_charges(tx: Tx, intent: Json) -> None:
    charges = [public(charge) for charge in tx.find("charge", lists.field("payment_intent"), (intent["id"],))]
    for charge in charges:
        _with_refunds(tx, charge)
        _without_invoice(tx, charge)
    intent["charges"] = lists.whole(charges, f"/v1/charges?payment_intent={intent['id']}")
    intent.pop("latest_charge", None)


def _with_refunds(tx: Tx, charge: Json) -> None:
    if "refunds" not in charge:
        refunds = [public(refund) for refund in tx.find("refund", lists.field("charge"), (charge["id"],))]
        charge["refunds"] = lists.whole(refunds, f"/v1/charges/{charge['id']}/refunds")


def _without_invoice(_tx: Tx, body: Json) -> None:
    body.setdefault("invoice", None)


def _with_shipping_details(_tx: Tx, session: Json) -> None:
    session["shipping_details"] = (session["collected_information"] or {}).get("shipping_details")


_UI_MODES = {"hosted_page": "hosted", "embedded_page": "embedded", "elements": "custom"}


def _with_old_ui_mode(_tx: Tx, session: Json) -> None:
    session["ui_mode"] = _UI_MODES.get(session["ui_mode"], session["ui_mode"])


@dataclass(frozen=True)
class Change:
    """A breaking change: versions before `since` show objects of this kind as `undo` leaves them."""

    since: str
    kind: str
    undo: Callable[[Tx, Json], None]
    source: str


_LOG = "https://docs.stripe.com/changelog/"
_NO_INVOICE = _LOG + "basil/2025-03-31/add-support-for-multiple-partial-payments-on-invoices"

# Newest first: an older shape is made by undoing one change after another.
CHANGES = (
    Change(
        "2026-03-25.dahlia",
        "checkout.session",
        _with_old_ui_mode,
        _LOG + "dahlia/2026-03-25/updates-available-checkout-session-ui-modes",
    ),
    Change(
        "2025-03-31.basil",
        "checkout.session",
        _with_shipping_details,
        _LOG + "basil/2025-03-31/checkout-session-remove-shipping-details",
    ),
    Change("2025-03-31.basil", "payment_intent", _without_invoice, _NO_INVOICE),
    Change("2025-03-31.basil", "charge", _without_invoice, _NO_INVOICE),
    Change("2022-11-15", "charge", _with_refunds, _LOG + "2022-11-15/deprecates-charges-auto-expand"),
    Change("2022-11-15", "payment_intent", _with_charges, _LOG + "2022-11-15/removes-charges-attribute-paymentintent"),
)


# Every version that the pinned stripe-python knows to exist.
VERSIONS = frozenset(get_args(get_args(WebhookEndpointCreateParams.__annotations__["api_version"])[0]))


def known(version: str) -> bool:
    """Tell whether objects can be shown at this version: Stripe has it, and it is not before OLDEST."""
    return version in VERSIONS and version >= OLDEST


def render(tx: Tx, body: Json, version: str) -> Json:
    """Give `body`, and every object inside it, as `version` shows it; `body` itself is left alone.

    An event stays as it is: its data never changes after its creation.
    """
    if version >= LATEST or body.get("object") == "event":
        return body
    shaped = {name: _inside(tx, value, version) for name, value in body.items()}
    for change in CHANGES:
        if version < change.since and shaped.get("object") == change.kind and not shaped.get("deleted"):
            change.undo(tx, shaped)
    return shaped


def _inside(tx: Tx, value: object, version: str) -> object:
    if isinstance(value, list):
        return [_inside(tx, one, version) for one in value]
    return render(tx, value, version) if isinstance(value, dict) else value
