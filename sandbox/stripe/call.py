"""What a request brings to the function that answers it."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.stripe import clock
from sandbox.stripe.store import Json, Tx


@dataclass(frozen=True)
class Call:
    """One API call: the open transaction, checked parameters, and who asked."""

    tx: Tx
    params: Json
    path: str
    request_id: str | None = None
    idempotency_key: str | None = None

    @property
    def now(self) -> int:
        """The time of the call, from the stand-in's clock."""
        return clock.now()

    def find(self, kind: str, object_id: str, param: str = "id") -> Json:
        """Give the object, or raise NotFoundError in Stripe's words."""
        return self.tx.need(object_id, kind, param)
