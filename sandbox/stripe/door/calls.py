"""The record of API calls: what was asked, what was answered, and whether the stand-in knew what it was about."""

from __future__ import annotations

import json

from sandbox.stripe.store import Json, Store, Tx

KEPT = 20_000
# The status of a call whose caller got no answer (a fault).
NO_ANSWER = 0

_COLUMNS = "seq, method, path, route, status, version, key, error, unknown"


def record(store: Store, call: Json) -> None:
    """Keep a call (all of `_COLUMNS` but `seq`) and forget what is older than the newest KEPT."""
    values = [json.dumps(call["error"]) if name == "error" else call[name] for name in _COLUMNS.split(", ")[1:]]
    with store.write() as tx:
        sql = f"INSERT INTO calls ({_COLUMNS}) VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608  (no user text)
        newest = tx.run(sql, values).lastrowid or 0
        tx.run("DELETE FROM calls WHERE seq <= ?", (newest - KEPT,))


def after(tx: Tx, seq: int) -> list[Json]:
    """Give the calls recorded after number `seq`, oldest first."""
    rows = tx.run(f"SELECT {_COLUMNS} FROM calls WHERE seq > ? ORDER BY seq", (seq,))  # noqa: S608  (no user text)
    return [dict(row) | {"error": json.loads(row["error"]), "unknown": bool(row["unknown"])} for row in rows]
