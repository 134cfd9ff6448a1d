"""Every mail that was sent, as it came over SMTP, in one SQLite file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cached_property
from pathlib import Path
from typing import Any

# `shown` is the mail as the API gives it, made when it comes: a test that lists thousands must not parse them all.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, sender TEXT NOT NULL, recipients TEXT NOT NULL,
    received TEXT NOT NULL, raw BLOB NOT NULL, shown TEXT NOT NULL);
"""


@dataclass(frozen=True)
class Mail:
    """One mail; `received` is UTC in ISO 8601, `recipients` are the envelope's."""

    id: int
    sender: str
    recipients: list[str]
    received: str
    raw: bytes

    @cached_property
    def message(self) -> EmailMessage:
        """The parsed mail."""
        return message_from_bytes(self.raw, policy=policy.default)

    @property
    def subject(self) -> str:
        """The subject, decoded."""
        return str(self.message["subject"] or "")

    def part(self, kind: str) -> str:
        """Give the text of the "plain" or "html" version, or an empty string."""
        body = self.message.get_body((kind,))
        return str(body.get_content()) if body else ""

    def as_json(self) -> dict[str, Any]:
        """Give the mail as the API shows it, without its number."""
        return {
            "from": self.sender,
            "to": self.recipients,
            "subject": self.subject,
            "text": self.part("plain"),
            "html": self.part("html"),
            "headers": {name: str(value) for name, value in self.message.items()},
            "received": self.received,
        }


class Store:
    """The SQLite file; each use opens it anew, so any thread may."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._open() as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_SCHEMA)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._path, timeout=30)
        connection.row_factory = sqlite3.Row
        try:
            with connection:
                yield connection
        finally:
            connection.close()

    def add(self, sender: str, recipients: Sequence[str], raw: bytes) -> None:
        """Keep a mail."""
        mail = Mail(0, sender, list(recipients), datetime.now(UTC).isoformat(timespec="milliseconds"), raw)
        with self._open() as connection:
            connection.execute(
                "INSERT INTO messages (sender, recipients, received, raw, shown) VALUES (?, ?, ?, ?, ?)",
                (sender, json.dumps(mail.recipients), mail.received, raw, json.dumps(mail.as_json())),
            )

    def all(self) -> list[Mail]:
        """Give the mails, newest first."""
        with self._open() as connection:
            rows = connection.execute("SELECT * FROM messages ORDER BY id DESC").fetchall()
        return [_mail(row) for row in rows]

    def shown(self, to: str | None = None) -> list[dict[str, Any]]:
        """Give the mails as the API shows them, newest first; `to` picks those of one recipient, in any case."""
        with self._open() as connection:
            rows = connection.execute("SELECT id, shown FROM messages ORDER BY id DESC").fetchall()
        mails = [{"id": row["id"], **json.loads(row["shown"])} for row in rows]
        return [mail for mail in mails if to is None or to.lower() in map(str.lower, mail["to"])]

    def get(self, mail_id: int) -> Mail | None:
        """Give one mail."""
        with self._open() as connection:
            row = connection.execute("SELECT * FROM messages WHERE id = ?", (mail_id,)).fetchone()
        return _mail(row) if row else None

    def clear(self) -> None:
        """Throw all mails away."""
        with self._open() as connection:
            connection.execute("DELETE FROM messages")


def _mail(row: sqlite3.Row) -> Mail:
    return Mail(row["id"], row["sender"], json.loads(row["recipients"]), row["received"], row["raw"])
