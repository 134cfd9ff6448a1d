"""The switches of the stand-in."""

from __future__ import annotations

from sandbox.stripe import switches
from sandbox.stripe.control.moments import Fields, moment
from sandbox.stripe.running import store
from sandbox.stripe.store import Json


@moment("settings")
def change(fields: Fields) -> Json:
    """Set the given switches and give all of them (see switches.SWITCHES)."""
    with store().write() as tx:
        return switches.change(tx, fields)
