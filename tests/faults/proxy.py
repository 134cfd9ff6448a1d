"""A TCP proxy that breaks what passes through it, on demand: in front of PostgreSQL, S3, the mail server, Stripe."""

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Literal

from tests.helpers import free_port

CHUNK = 65_536
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER with no time: closing sends RST


@dataclass(frozen=True)
class Fault:
    """What happens to connections.

    `refuse`: nobody listens. `reset`: taken and torn. `silence`: taken, and never a word. `slow`: each piece comes
    `amount` seconds later. `cut`: torn once `amount` bytes of the answer have come. `answer`: the request is
    swallowed and `text` is the answer. `replace`: the request arrives, and `text` comes back in place of its answer.
    `greet`: `text` is said at once, as a mail server does, and that is all.
    """

    kind: Literal["refuse", "reset", "silence", "slow", "cut", "answer", "replace", "greet"]
    amount: float = 0.0
    text: bytes = b""


def http(status: int, body: str = "") -> bytes:
    """Return a whole HTTP answer that ends its connection."""
    data = body.encode()
    return b"HTTP/1.1 %d Fault\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (status, len(data)) + data


class Proxy:
    """One port of 127.0.0.1 in front of another."""

    def __init__(self, upstream: int) -> None:
        """Take the port behind; listen at once."""
        self.port = free_port()
        self.calls = 0
        self._upstream = upstream
        self._fault: Fault | None = None
        self._open: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self._listen()

    @contextmanager
    def broken(
        self,
        kind: Literal["refuse", "reset", "silence", "slow", "cut", "answer", "replace", "greet"],
        amount: float = 0.0,
        text: bytes = b"",
    ) -> Iterator[None]:
        """Break what passes while the block runs; open connections are torn, but for `slow` and `silence`."""
        self._set(Fault(kind, amount, text))
        try:
            yield
        finally:
            self.lift()

    def lift(self) -> None:
        """Let everything pass again; connections that the fault held are torn."""
        if self._fault is not None:
            self._set(None)

    def close(self) -> None:
        """Stop listening and tear what is open."""
        self._stop_listening()
        self._tear()

    def _set(self, fault: Fault | None) -> None:
        held = fault is None or fault.kind not in {"slow", "silence"}
        self._fault = fault
        if fault and fault.kind == "refuse":
            self._stop_listening()
        elif self._listener is None:
            self._listen()
        if held:
            self._tear()

    def _listen(self) -> None:
        listener = socket.create_server(("127.0.0.1", self.port), backlog=512, reuse_port=False)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _stop_listening(self) -> None:
        listener, self._listener = self._listener, None
        if listener:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
            listener.close()

    def _tear(self) -> None:
        for one in list(self._open):
            self._reset(one)

    def _reset(self, one: socket.socket) -> None:
        self._open.discard(one)
        with suppress(OSError):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            one.shutdown(socket.SHUT_RDWR)
        one.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.calls += 1
            self._open.add(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        fault = self._fault
        kind = fault.kind if fault else None
        if fault is None or kind in {"slow", "cut", "replace"}:
            self._join(client)
        elif kind == "silence":
            return  # kept in _open, torn when the fault is lifted
        elif kind in {"answer", "greet"}:
            with suppress(OSError):
                client.settimeout(10)
                if kind == "answer":
                    _swallow(client)
                client.sendall(fault.text)
                client.shutdown(socket.SHUT_WR)
                while client.recv(CHUNK):
                    pass
            self._reset(client)
        else:
            self._reset(client)

    def _join(self, client: socket.socket) -> None:
        try:
            upstream = socket.create_connection(("127.0.0.1", self._upstream), timeout=5)
        except OSError:
            self._reset(client)
            return
        upstream.settimeout(None)
        self._open.add(upstream)
        threading.Thread(target=self._pump, args=(client, upstream, False), daemon=True).start()
        self._pump(upstream, client, True)

    def _pump(self, source: socket.socket, target: socket.socket, answer: bool) -> None:  # noqa: FBT001
        passed = 0
        with suppress(OSError):
            while data := source.recv(CHUNK):
                fault = self._fault
                if fault and fault.kind == "silence":
                    continue
                if fault and fault.kind == "slow":
                    time.sleep(fault.amount)
                if answer and fault and fault.kind == "replace":
                    target.sendall(fault.text)
                    break
                if answer and fault and fault.kind == "cut" and passed + len(data) > fault.amount:
                    target.sendall(data[: int(fault.amount) - passed])
                    break
                target.sendall(data)
                passed += len(data)
            else:
                with suppress(OSError):
                    target.shutdown(socket.SHUT_WR)
                if not answer:
                    return  # the answer may still be on its way
        self._reset(source)
        self._reset(target)


def _swallow(client: socket.socket) -> None:
    """Read one HTTP request: its head, and as much as it says will follow."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = client.recv(CHUNK)
        if not piece:
            return
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    length = next((line[15:] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), b"0")
    if b"100-continue" in head.lower():
        client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    left = int(length) - len(rest)
    while left > 0 and (piece := client.recv(min(CHUNK, left))):
        left -= len(piece)
