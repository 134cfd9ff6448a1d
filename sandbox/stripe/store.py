"""The stand-in's memory: Stripe's objects as JSON documents in one SQLite file.

An object's private side (what Stripe would keep to itself) sits under the key `_sandbox` and never
leaves: `public` strips it.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sandbox.stripe.errors import NotFoundError
from sandbox.stripe.shape import Json, complete

__all__ = ["Json", "Store", "Tx", "public"]

# Whose an object is, in lower case: a session's payer (or, before there is one, `customer_email`), or a Customer.
EMAIL = (
    "lower(coalesce(json_extract(body, '$.customer_details.email'),"
    " json_extract(body, '$.customer_email'), json_extract(body, '$.email')))"
)

_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, object TEXT NOT NULL,
    created INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (object, seq);
CREATE INDEX IF NOT EXISTS objects_by_address ON objects (object, {EMAIL});
CREATE INDEX IF NOT EXISTS objects_by_session ON objects (object, json_extract(body, '$._sandbox.session'));
CREATE INDEX IF NOT EXISTS objects_by_intent ON objects (object, json_extract(body, '$.payment_intent'));
CREATE TABLE IF NOT EXISTS idempotent_calls (
    key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, created INTEGER NOT NULL, status INTEGER, body TEXT);
CREATE INDEX IF NOT EXISTS idempotent_calls_by_age ON idempotent_calls (created);
CREATE TABLE IF NOT EXISTS calls (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, method TEXT NOT NULL, path TEXT NOT NULL, route TEXT,
    status INTEGER NOT NULL, version TEXT, key TEXT, error TEXT NOT NULL, unknown INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, endpoint TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending', attempts INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL, answer TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS deliveries_by_event ON deliveries (event);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (state, due);
CREATE TABLE IF NOT EXISTS timers (
    id INTEGER PRIMARY KEY AUTOINCREMENT, action TEXT NOT NULL, object TEXT NOT NULL, due INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


def public(body: Json) -> Json:
    """Give the object as Stripe shows it."""
    return {key: value for key, value in body.items() if key != "_sandbox"}


class Tx:
    """One open transaction: the only way to read and write."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def run(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Execute one statement."""
        return self._connection.execute(sql, values)

    def get(self, object_id: str, kind: str | None = None) -> Json | None:
        """Give the object with this id (of this kind, if one is named), or None."""
        row = self.run("SELECT object, body FROM objects WHERE id = ?", (object_id,)).fetchone()
        if row is None or kind not in (None, row["object"]):
            return None
        body: Json = json.loads(row["body"])
        return body

    def need(self, object_id: str, kind: str, param: str = "id") -> Json:
        """Give the object, or raise NotFoundError in Stripe's words."""
        found = self.get(object_id, kind)
        if found is None:
            raise NotFoundError(f"No such {kind}: '{object_id}'", code="resource_missing", param=param)
        return found

    def find(self, kind: str, where: str = "1", values: Sequence[Any] = (), order: str = "seq DESC") -> list[Json]:
        """Give the objects of a kind that match an SQL condition over the columns of `objects`."""
        sql = f"SELECT body FROM objects WHERE object = ? AND {where} ORDER BY {order}"  # noqa: S608  (no user text)
        return [json.loads(row["body"]) for row in self.run(sql, (kind, *values))]

    def add(self, body: Json) -> Json:
        """Store a new object (it has `id`, `object` and `created`) in full and return it."""
        self.run(
            "INSERT INTO objects (id, object, created, body) VALUES (?, ?, ?, ?)",
            (body["id"], body["object"], body["created"], _dump(complete(body))),
        )
        return body

    def save(self, body: Json) -> Json:
        """Store the new state of an object and return it."""
        self.run("UPDATE objects SET body = ? WHERE id = ?", (_dump(complete(body)), body["id"]))
        return body

    def delete(self, object_id: str) -> None:
        """Forget an object."""
        self.run("DELETE FROM objects WHERE id = ?", (object_id,))

    def setting(self, name: str, default: Any) -> Any:  # noqa: ANN401  (JSON values)
        """Give a setting of the control page."""
        row = self.run("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return default if row is None else json.loads(row["value"])

    def set(self, name: str, value: Any) -> None:  # noqa: ANN401
        """Keep a setting of the control page."""
        self.run("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", (name, json.dumps(value)))


class Store:
    """The SQLite file, safe for many threads: each thread has its connection, writers take turns."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._changed = threading.Condition()
        self.version = 0
        connection = self._connection()
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(_SCHEMA)

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._path, isolation_level=None, timeout=30)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA synchronous = NORMAL")
            self._local.connection = connection
        return connection

    def close(self) -> None:
        """Close this thread's connection."""
        self._connection().close()
        self._local.connection = None

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """Open a consistent view."""
        connection = self._connection()
        connection.execute("BEGIN")
        try:
            yield Tx(connection)
        finally:
            connection.execute("ROLLBACK")

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """Open a transaction that commits at the end, or leaves nothing behind on an error."""
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield Tx(connection)
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
        with self._changed:
            self.version += 1
            self._changed.notify_all()

    def wait_for_change(self, seen: int, seconds: float) -> None:
        """Sleep until something was written since `version` was `seen`, or `seconds` have passed."""
        with self._changed:
            self._changed.wait_for(lambda: self.version != seen, timeout=seconds)


def _dump(body: Json) -> str:
    return json.dumps(body, ensure_ascii=False)
