"""Deliveries at the word of a test: in an order of its own, each answered before the next is sent."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.stripe import clock, switches
from sandbox.stripe.errors import NotFoundError, StateError
from sandbox.stripe.objects import event as events
from sandbox.stripe.store import Json, Store, Tx
from sandbox.stripe.webhooks import out

# How release may order what waits; a fact that wrote several events tells them in the order of their rows.
ORDERS = {"created": "1 ORDER BY id", "reverse": "1 ORDER BY id DESC"}


def send(store: Store, event_ids: Sequence[str]) -> list[Json]:
    """Send these events now, one after another, whatever is paused, and give every answer.

    A delivery that still waits is the one that is sent; when none waits, it is sent once more. Raises
    NotFoundError before anything is sent.
    """
    with store.read() as tx:
        for event_id in event_ids:
            if tx.get(event_id, "event") is None:
                raise NotFoundError(f"No such event: '{event_id}'", code="resource_missing", param="events")
    answers = []
    for event_id in event_ids:
        with store.write() as tx:
            claimed = _claim(tx, event_id)
        answers += [_answer(store, delivery) for delivery in claimed]
    return answers


def release(store: Store, order: str) -> list[Json]:
    """While deliveries are paused, send all that wait in one of ORDERS. Raises StateError when not paused."""
    with store.write() as tx:
        if not switches.get(tx, "webhooks_paused"):
            raise StateError("Deliveries are not held back: set webhooks_paused first.")
        claimed = out.claim(tx, ORDERS[order], ())
    return [_answer(store, delivery) for delivery in claimed]


def _claim(tx: Tx, event_id: str) -> list[Json]:
    waiting = out.claim(tx, "event = ? ORDER BY id", (event_id,))
    if not waiting:
        event = tx.get(event_id)
        if event:
            events.deliver(tx, event, clock.exact())
        waiting = out.claim(tx, "event = ? ORDER BY id", (event_id,))
    return waiting


def _answer(store: Store, delivery: Json) -> Json:
    return {"event": delivery["event"], "endpoint": delivery["endpoint"], "answer": out.send(store, delivery)}
