"""The SMTP server: takes every mail and keeps it, delivers none."""

from __future__ import annotations

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from sandbox.config import HOST
from sandbox.mailbox.store import Store


class _Keep:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.original_content or b""
        self._store.add(envelope.mail_from or "", envelope.rcpt_tos, content)
        return "250 Kept"


def start(store: Store, port: int) -> None:
    """Listen on 127.0.0.1 in a background thread."""
    Controller(_Keep(store), hostname=HOST, port=port, ident="mailbox").start()
