"""Ids in the shapes that Stripe gives them."""

from __future__ import annotations

import secrets
import string

_ALPHABET = string.ascii_letters + string.digits
# Prefix and number of random characters of each object, as seen on Stripe's own ids.
_SHAPES = {
    "checkout.session": ("cs_test_a1", 58),
    "payment_intent": ("pi_3", 23),
    "charge": ("ch_3", 23),
    "customer": ("cus_", 14),
    "dispute": ("du_1", 23),
    "refund": ("re_3", 23),
    "event": ("evt_1", 23),
    "balance_transaction": ("txn_3", 23),
    "webhook_endpoint": ("we_1", 23),
    # What is no card: a charge and a refund by another method (https://docs.stripe.com/reports/balance-transaction-types).
    "payment": ("py_3", 23),
    "payment_refund": ("pyr_1", 23),
    "payment_method": ("pm_1", 23),
    "item": ("li_1", 23),
    "price": ("price_1", 23),
    "product": ("prod_", 14),
    "request": ("req_", 14),
}


def new(kind: str) -> str:
    """Make a fresh id for an object of this kind (`checkout.session`, `charge`, ...)."""
    prefix, length = _SHAPES[kind]
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(length))


def webhook_secret() -> str:
    """Make a fresh signing secret of a webhook endpoint."""
    return "whsec_" + "".join(secrets.choice(_ALPHABET) for _ in range(32))


def digits(count: int) -> str:
    """Make `count` random digits, the first not a zero."""
    return secrets.choice("123456789") + "".join(secrets.choice(string.digits) for _ in range(count - 1))
