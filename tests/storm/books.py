"""What Stripe shows of orders, read from the stand-in's own file by rules of its own: no code of the portal's."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]
LOST = {"lost"}
OVER = {"won", "lost"}
GONE = {"failed", "canceled"}  # refunds whose money stayed with the shop


@dataclass(frozen=True)
class Attempt:
    """One Checkout Session with its money. Amounts in yen; `back` is what refunds and a lost dispute took."""

    id: str
    attempt: str
    method: str
    amount: int
    status: str
    paid: bool
    voucher_out: bool
    refunds: tuple[Json, ...]
    dispute: str | None

    @property
    def refunded(self) -> int:
        """What refunds took or are about to take."""
        return sum(refund["amount"] for refund in self.refunds if refund["status"] not in GONE)

    @property
    def state(self) -> str:
        """What a ledger must call this payment."""
        if self.paid:
            back = self.refunded + (self.amount if self.dispute in LOST else 0)
            return "refunded" if back >= self.amount else "partly_refunded" if back else "paid"
        if self.status == "complete":
            return "awaiting" if self.voucher_out else "failed"
        return self.status  # open, expired

    @property
    def held(self) -> bool:
        """Whether the shop has money of this payment."""
        return self.state in {"paid", "partly_refunded"}


@dataclass(frozen=True)
class Truth:
    """What Stripe shows of an order, and what follows from it for the customer and for staff."""

    attempts: tuple[Attempt, ...]

    @property
    def paid(self) -> bool:
        """Whether money ever came."""
        return any(attempt.paid for attempt in self.attempts)

    @property
    def money(self) -> str:
        """The money of the order is the best that one of its payments is."""
        states = {attempt.state for attempt in self.attempts}
        return next((state for state in ("paid", "partly_refunded", "refunded") if state in states), "unpaid")

    @property
    def open(self) -> bool:
        """Whether the result must be the customer's."""
        return any(attempt.held for attempt in self.attempts)

    @property
    def concern(self) -> str | None:
        """What staff must be called for."""
        held = [attempt for attempt in self.attempts if attempt.held]
        if len(held) > 1:
            return "double_payment"
        if any(attempt.dispute and attempt.dispute not in OVER for attempt in self.attempts):
            return "disputed"
        if any(attempt.refunds and attempt.refunds[-1]["status"] == "failed" for attempt in held):
            return "refund_failed"
        return None


class Books:
    """The stand-in's file. Objects are numbered in the order of their making; 0 is before all of them."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "stripe.sqlite3"

    @contextmanager
    def opened(self) -> Iterator[sqlite3.Connection]:
        """Open the file for one transaction."""
        connection = sqlite3.connect(self._path, timeout=30)
        try:
            with connection:
                yield connection
        finally:
            connection.close()

    def newest(self) -> int:
        """Return the number of the newest object."""
        with self.opened() as file:
            return int(file.execute("SELECT coalesce(max(seq), 0) FROM objects").fetchone()[0])

    def since(self, number: int, kind: str | None = None) -> list[Json]:
        """Return the objects after a number (of one kind) with their private side, oldest first."""
        with self.opened() as file:
            rows = file.execute(
                "SELECT body FROM objects WHERE seq > ? AND (? IS NULL OR object = ?) ORDER BY seq",
                (number, kind, kind),
            ).fetchall()
        return [json.loads(body) for (body,) in rows]

    def add(self, bodies: list[tuple[str, str, int, str]]) -> None:
        """Store objects: id, kind, created, body as JSON text."""
        with self.opened() as file:
            file.executemany("INSERT INTO objects (id, object, created, body) VALUES (?, ?, ?, ?)", bodies)

    def undelivered(self) -> int:
        """Count the deliveries of the stand-in's own that are still to be made."""
        with self.opened() as file:
            query = "SELECT count(*) FROM deliveries WHERE state IN ('pending', 'sending')"
            return int(file.execute(query).fetchone()[0])

    def truths(self, number: int = 0) -> dict[str, Truth]:
        """Return what Stripe shows of each order whose sessions were made after a number."""
        found: dict[str, dict[str, list[Json]]] = defaultdict(lambda: defaultdict(list))
        for body in self.since(number):
            if body["object"] in {"payment_intent", "refund", "dispute"}:
                found[body["object"]][body.get("payment_intent") or body["id"]].append(body)
        orders: dict[str, list[Attempt]] = defaultdict(list)
        for session in self.since(number, "checkout.session"):
            intent = session["payment_intent"] or ""
            shown = {kind: of[intent] for kind, of in found.items() if intent in of}
            orders[session["client_reference_id"]].append(_attempt(session, shown))
        return {order: Truth(tuple(attempts)) for order, attempts in orders.items()}


def _attempt(session: Json, shown: dict[str, list[Json]]) -> Attempt:
    intents, disputes = shown.get("payment_intent", []), shown.get("dispute", [])
    return Attempt(
        id=session["id"],
        attempt=session["metadata"]["attempt"],
        method=session["payment_method_types"][0],
        amount=session["amount_total"],
        status=session["status"],
        paid=session["payment_status"] == "paid",
        voucher_out=any(intent["status"] == "requires_action" for intent in intents),
        refunds=tuple(shown.get("refund", [])),
        dispute=disputes[-1]["status"] if disputes else None,
    )
