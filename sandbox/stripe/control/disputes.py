"""What a bank decides about a dispute."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.stripe.control.moments import Fields, moment
from sandbox.stripe.errors import InvalidRequestError
from sandbox.stripe.objects import dispute
from sandbox.stripe.running import store
from sandbox.stripe.store import Json, Tx, public

VERDICTS: dict[str, Callable[[Tx, Json], Json]] = {"win": dispute.win, "lose": dispute.lose}


@moment("disputes/<dispute_id>/<verdict>")
def decide(_fields: Fields, dispute_id: str, verdict: str) -> Json:
    """Have the shop `win` or `lose` the dispute and give it."""
    if verdict not in VERDICTS:
        raise InvalidRequestError(f"No such verdict: {verdict}. Known: {', '.join(VERDICTS)}.")
    with store().write() as tx:
        return public(VERDICTS[verdict](tx, tx.need(dispute_id, "dispute")))
