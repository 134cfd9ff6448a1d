"""Requests byte by byte, as no well-behaved client sends them."""

import socket
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class RawAnswer:
    """Status, headers by lower-case name (one of each), body."""

    status: int
    headers: dict[str, str]
    body: bytes


def ask(base: str, first: str, *headers: str, body: bytes = b"") -> RawAnswer:
    """Send a request line and headers as they are, then `body`; the connection is closed by the server."""
    address = urlsplit(base)
    wire = "\r\n".join((first, *headers, "Connection: close", "", "")).encode("latin-1") + body
    with socket.create_connection((str(address.hostname), address.port or 80), timeout=20) as door:
        with suppress(ConnectionError):  # what is too long is answered before it was read
            door.sendall(wire)
        told = b""
        with suppress(ConnectionError):
            while part := door.recv(65536):
                told += part
    head, _, rest = told.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    found = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    return RawAnswer(int(lines[0].split(" ")[1]), found, rest)
