"""Restricted API keys, as a person would make them in the Dashboard."""

from __future__ import annotations

from sandbox.stripe.control.moments import Fields, moment
from sandbox.stripe.door import keys
from sandbox.stripe.running import store
from sandbox.stripe.store import Json


@moment("keys", "GET")
def list_keys(_fields: Fields) -> list[Json]:
    """Give the restricted keys with their permissions."""
    with store().read() as tx:
        return [{"key": key, "permissions": levels} for key, levels in keys.registered(tx).items()]


@moment("keys")
def register_key(fields: Fields) -> Json:
    """Register `{"key": "rk_test_...", "permissions": {"checkout_sessions": "write", ...}}` (see keys.RESOURCES).

    A form names each resource in a field of its own.
    """
    permissions = fields.get("permissions", {name: fields[name] for name in keys.RESOURCES if name in fields})
    with store().write() as tx:
        return keys.register(tx, fields.text("key"), permissions)
