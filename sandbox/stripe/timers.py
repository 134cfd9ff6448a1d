"""What will happen by itself, kept in the store so that a restart forgets nothing."""

from __future__ import annotations

import threading

from sandbox.stripe.store import Json, Tx

# Held by whoever does what is due: the background threads, or somebody who moves the clock.
turn = threading.RLock()


def schedule(tx: Tx, action: str, object_id: str, due: int) -> None:
    """Have `action` (a name in scheduler.ACTIONS) happen to the object at `due` (seconds since 1970)."""
    tx.run("INSERT INTO timers (action, object, due) VALUES (?, ?, ?)", (action, object_id, due))


def earliest(tx: Tx) -> Json | None:
    """Give the timer that is due first (`id`, `action`, `object`, `due`), or None."""
    row = tx.run("SELECT * FROM timers ORDER BY due, id LIMIT 1").fetchone()
    return dict(row) if row else None


def next_ones(tx: Tx, count: int) -> list[Json]:
    """Give the `count` timers that are due next, soonest first."""
    return [dict(row) for row in tx.run("SELECT * FROM timers ORDER BY due, id LIMIT ?", (count,)).fetchall()]


def remove(tx: Tx, timer_id: int) -> None:
    """Forget a timer."""
    tx.run("DELETE FROM timers WHERE id = ?", (timer_id,))


def cancel(tx: Tx, object_id: str, *actions: str) -> None:
    """Forget what was to happen to an object."""
    for action in actions:
        tx.run("DELETE FROM timers WHERE object = ? AND action = ?", (object_id, action))
