"""What will happen by itself, kept in the store so that a restart forgets nothing."""

from __future__ import annotations

from sandbox.stripe.store import Tx


def schedule(tx: Tx, action: str, object_id: str, due: int) -> None:
    """Have `action` (a name in scheduler.ACTIONS) happen to the object at `due` (seconds since 1970)."""
    tx.run("INSERT INTO timers (action, object, due) VALUES (?, ?, ?)", (action, object_id, due))


def take_due(tx: Tx, now: int) -> list[tuple[str, str]]:
    """Remove and give the (action, object id) pairs whose time has come, earliest first."""
    rows = tx.run("SELECT id, action, object FROM timers WHERE due <= ? ORDER BY due, id", (now,)).fetchall()
    for row in rows:
        tx.run("DELETE FROM timers WHERE id = ?", (row["id"],))
    return [(row["action"], row["object"]) for row in rows]
