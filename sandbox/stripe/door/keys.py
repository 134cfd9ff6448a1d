"""API keys: who asks, and what a restricted key may do.

A secret test key (sk_test_...) may do all. A restricted one (rk_test_...) must be registered by the control API with
a level for each resource; what is not named is "none". Write includes read, GET asks for read and POST and DELETE
for write (https://docs.stripe.com/keys/restricted-api-keys). Expanding an object needs its read permission too
(https://docs.stripe.com/stripe-apps/reference/permissions says it of apps; inferred for keys).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.stripe.errors import AuthenticationError, InvalidRequestError, PermissionDeniedError
from sandbox.stripe.objects import account
from sandbox.stripe.store import Json, Tx

LEVELS = ("none", "read", "write")
_SETTING = "restricted_keys"


@dataclass(frozen=True)
class Resource:
    """One line of the Dashboard's permission table: its name in `rak_<permission>_read`, and the objects it covers."""

    permission: str
    kinds: tuple[str, ...]


# The names after "rak_" are those of Stripe's own messages and key-creation links; account's is inferred. Reading
# balance transactions without what is behind them needs less at Stripe (rak_balance_read).
RESOURCES: dict[str, Resource] = {
    "account": Resource("accounts_kyc_id_numbers", ("account",)),
    "balance_transaction_sources": Resource("balance_transaction_source", ("balance_transaction",)),
    "charges": Resource("charge", ("charge", "refund")),
    "checkout_sessions": Resource("checkout_session", ("checkout.session",)),
    "customers": Resource("customer", ("customer",)),
    "disputes": Resource("dispute", ("dispute",)),
    "events": Resource("event", ("event",)),
    "payment_intents": Resource("payment_intent", ("payment_intent",)),
    "payment_links": Resource("payment_link", ("payment_link",)),
    "payment_methods": Resource("payment_method", ("payment_method",)),
    "webhook_endpoints": Resource("webhook", ("webhook_endpoint",)),
}
_RESOURCE_OF = {kind: name for name, resource in RESOURCES.items() for kind in resource.kinds}


@dataclass(frozen=True)
class Key:
    """A key that was let in; `permissions` None means all."""

    text: str
    permissions: Mapping[str, str] | None = None

    def demand(self, resource: str, level: str) -> None:
        """Raise PermissionDeniedError unless the key has this level ("read" or "write") of the resource."""
        if self.permissions is None or LEVELS.index(self.permissions.get(resource, "none")) >= LEVELS.index(level):
            return
        raise PermissionDeniedError(
            f"The provided key '{masked(self.text)}' does not have the required permissions for this endpoint on "
            f"account '{account.ID}'. Having the 'rak_{RESOURCES[resource].permission}_{level}' permission would "
            "allow this request to continue."
        )

    def demand_object(self, kind: str) -> None:
        """Raise PermissionDeniedError unless the key may read objects of this kind."""
        if kind in _RESOURCE_OF:
            self.demand(_RESOURCE_OF[kind], "read")


def masked(text: str) -> str:
    """Give a key as Stripe quotes it: its kind and, of a longer one, its last four characters."""
    found = re.match(r"[a-z]{2}_(?:test|live)_", text)
    head = found[0] if found else ""
    secret = text[len(head) :]
    tail = secret[-4:] if len(secret) > 4 else ""  # noqa: PLR2004
    return head + "*" * max(4, len(secret) - 4) + tail


def admit(tx: Tx, authorization: str) -> Key:
    """Give the key of an Authorization header. Raises AuthenticationError, or PermissionDeniedError for a pk_ key."""
    match = re.fullmatch(r"Bearer\s+(\S+)", authorization)
    if not match:
        raise AuthenticationError(
            "You did not provide an API key. You need to provide your API key in the Authorization header, "
            "using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See "
            "https://stripe.com/docs/api#authentication for details, or we can help at https://support.stripe.com/."
        )
    text = match[1]
    if re.fullmatch(r"sk_test_\w+", text):
        return Key(text)
    if text in registered(tx):
        return Key(text, registered(tx)[text])
    if re.fullmatch(r"pk_test_\w+", text):
        # 403 and not 401: as reported in https://github.com/SiimKirjanen/seatreg/issues/97.
        raise PermissionDeniedError(
            "This API call cannot be made with a publishable API key. Please use a secret API key. You can find a "
            "list of your API keys at https://dashboard.stripe.com/account/apikeys.",
            code="secret_key_required",
        )
    raise AuthenticationError(f"Invalid API Key provided: {masked(text)}")


def registered(tx: Tx) -> dict[str, dict[str, str]]:
    """Give the restricted keys: key -> resource -> level."""
    found: dict[str, dict[str, str]] = tx.setting(_SETTING, {})
    return found


def register(tx: Tx, text: str, permissions: object) -> Json:
    """Keep a restricted key, or give a known one other permissions. Raises InvalidRequestError."""
    if not re.fullmatch(r"rk_test_\w+", text):
        raise InvalidRequestError("A restricted test key begins with rk_test_.", param="key")
    if not isinstance(permissions, dict):
        raise InvalidRequestError("permissions is an object: resource -> level.", param="permissions")
    for resource, level in permissions.items():
        if resource not in RESOURCES or level not in LEVELS:
            known = f"Resources: {', '.join(RESOURCES)}. Levels: {', '.join(LEVELS)}."
            raise InvalidRequestError(f"Unknown permission {resource}: {level}. {known}", param="permissions")
    tx.set(_SETTING, registered(tx) | {text: permissions})
    return {"key": text, "permissions": permissions}
