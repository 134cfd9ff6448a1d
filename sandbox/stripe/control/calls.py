"""The API calls of the past."""

from __future__ import annotations

from sandbox.stripe.control.moments import Fields, moment
from sandbox.stripe.door import calls
from sandbox.stripe.running import store
from sandbox.stripe.store import Json


@moment("calls", "GET")
def list_calls(fields: Fields) -> list[Json]:
    """Give the calls after number `after`, oldest first."""
    with store().read() as tx:
        return calls.after(tx, int(fields.number("after", 0)))
