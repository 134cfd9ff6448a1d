"""What the running program holds for every request."""

from __future__ import annotations

from flask import current_app

from sandbox.stripe.store import Store


def store() -> Store:
    """Give the running program's store."""
    found: Store = current_app.extensions["store"]
    return found
