"""The proxy itself: each fault looks to a client as it would in life."""

import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.faults.proxy import Proxy
from tests.faults.proxy import http as answer

BODY = b"x" * 5000


class _Plain(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.server.seen.append(self.rfile.read(int(self.headers["Content-Length"])))  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Plain) as one:
        one.seen = []  # type: ignore[attr-defined]
        threading.Thread(target=one.serve_forever, daemon=True).start()
        yield one
        one.shutdown()


@pytest.fixture
def proxy(server: ThreadingHTTPServer) -> Iterator[Proxy]:
    one = Proxy(server.server_address[1])
    yield one
    one.close()


def ask(proxy: Proxy) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=2)
    try:
        connection.request("POST", "/", b"hello")
        got = connection.getresponse()
        return got.status, got.read()
    finally:
        connection.close()


def test_it_passes_what_comes_and_after_each_fault_again(proxy: Proxy, server: ThreadingHTTPServer) -> None:
    assert ask(proxy) == (200, BODY)
    with proxy.broken("refuse"), pytest.raises(ConnectionRefusedError):
        ask(proxy)
    assert ask(proxy) == (200, BODY)
    with proxy.broken("reset"), pytest.raises(ConnectionError):
        ask(proxy)
    with proxy.broken("silence"), pytest.raises(TimeoutError):
        ask(proxy)
    assert len(server.seen) == 2  # type: ignore[attr-defined]
    with proxy.broken("answer", text=answer(503)):
        assert ask(proxy) == (503, b"")
    with proxy.broken("cut", amount=300), pytest.raises((http.client.IncompleteRead, ConnectionError)):
        ask(proxy)
    assert len(server.seen) == 3  # type: ignore[attr-defined]
    with proxy.broken("replace", text=answer(502, "bad gateway")):
        assert ask(proxy) == (502, b"bad gateway")
    assert server.seen[3:] == [b"hello"]  # type: ignore[attr-defined]
    with proxy.broken("slow", amount=0.01):
        assert ask(proxy) == (200, BODY)
    assert ask(proxy) == (200, BODY)
