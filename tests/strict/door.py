"""An HTTP door in front of an S3 store: refuses what only AWS refuses, fails on demand, and can be a bad line.

AWS takes no form field that the policy does not name, and no header value outside ISO-8859-1, its own `response-...`
parameters included; neither of the stores here is as strict
(https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html, "Header value cannot be
represented using ISO-8859-1": https://github.com/IQSS/dataverse/issues/4524).
"""

import base64
import http.client
import io
import json
import socket
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from werkzeug.formparser import FormDataParser

from tests.strict.line import BrokenLineError, Line

PIECE = 65_536  # bytes
# (method, parameter or header that tells it apart) -> what S3 calls the request; the first that fits.
OPERATIONS = {
    ("POST", "uploads"): "CreateMultipartUpload",
    ("POST", "uploadId"): "CompleteMultipartUpload",
    ("GET", "uploadId"): "ListParts",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
    ("PUT", "x-amz-copy-source"): "CopyObject",
    ("PUT", "partNumber"): "UploadPart",
    ("GET", "list-type"): "ListObjectsV2",
    ("GET", "versions"): "ListObjectVersions",
    ("POST", "delete"): "DeleteObjects",
    ("POST", ""): "PostObject",
    ("PUT", ""): "PutObject",
    ("GET", ""): "GetObject",
    ("HEAD", ""): "HeadObject",
    ("DELETE", ""): "DeleteObject",
    ("OPTIONS", ""): "Preflight",
}


@dataclass
class Fault:
    """What happens to the next `times` requests of one operation.

    `answer`: refused with status and code, and never seen by the store. `torn`: the connection ends before the store
    has the request. `lost`: the store has done it, and its answer is lost. `silence`: taken, and never a word.
    """

    operation: str
    kind: Literal["answer", "torn", "lost", "silence"]
    times: int = 1_000_000
    status: int = 500
    code: str = "InternalError"


class Door:
    """One port of 127.0.0.1; `seen` are (operation, status) of all requests, status 0 where there was no answer."""

    def __init__(self, store: str) -> None:
        """Take the store's address; serve at once."""
        self.store = urlsplit(store).netloc
        self.seen: list[tuple[str, int]] = []
        self.line = Line()
        self._faults: list[Fault] = []
        self._lifted = threading.Event()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Guest)
        self._server.door = self
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def broken(self, *faults: Fault) -> Iterator[None]:
        """Play faults while the block runs; requests held in silence are torn at its end."""
        self._faults, self._lifted = list(faults), threading.Event()
        try:
            yield
        finally:
            self._faults = []
            self._lifted.set()

    def close(self) -> None:
        """Stop serving."""
        self._lifted.set()
        self._server.shutdown()
        self._server.server_close()

    def count(self, operation: str) -> int:
        """Return how many requests of an operation have come so far."""
        return sum(seen == operation for seen, _ in self.seen)

    def fault_for(self, operation: str) -> Fault | None:
        """Take the fault that this request meets, if any."""
        with self._lock:
            for fault in self._faults:
                if fault.operation in {operation, "*"} and fault.times:
                    fault.times -= 1
                    return fault
        return None

    def wait_until_lifted(self) -> None:
        """Hold a request for as long as the faults are on."""
        self._lifted.wait(120)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    door: Door

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of whoever goes away, as people on a bad line do; a mistake of the door's own is told."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Guest(BaseHTTPRequestHandler):
    """One connection; each request is played through."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def _come(self) -> None:
        door = self.server.door
        name = operation(self.command, self.path, self.headers)
        fault = door.fault_for(name)
        status = 0
        try:
            status = self._serve(fault)
        except (OSError, http.client.HTTPException, BrokenLineError):
            self._tear()
        finally:
            door.seen.append((name, status))

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_OPTIONS = _come  # noqa: N815  (http.server's names)

    def _serve(self, fault: Fault | None) -> int:
        kind = fault.kind if fault else ""
        if kind == "silence":
            self.server.door.wait_until_lifted()
        if kind in {"silence", "torn"}:
            raise BrokenLineError
        length = int(self.headers.get("Content-Length") or 0)
        if fault and kind == "answer":
            for _ in self._pieces(length):
                pass
            return self._refuse(fault.status, fault.code, "played")
        is_form = self.headers.get_content_type() == "multipart/form-data"
        form = b"".join(self._pieces(length)) if is_form else None
        why = _unfit(self.path, self.headers) or (_extra(form, self.headers) if form is not None else None)
        if why:
            for _ in self._pieces(0 if is_form else length):
                pass
            return self._refuse(*why)
        body = [form] if form is not None else self._pieces(length)
        return self._pass_on(body, lost=kind == "lost")

    def _pieces(self, length: int) -> Iterator[bytes]:
        while length > 0:
            piece = self.rfile.read1(min(PIECE, length))
            if not piece:
                raise BrokenLineError
            self.server.door.line.carry(len(piece))
            length -= len(piece)
            yield piece

    def _pass_on(self, body: "Iterator[bytes] | list[bytes]", *, lost: bool) -> int:
        store = http.client.HTTPConnection(self.server.door.store, timeout=60)
        try:
            store.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in {"connection", "expect"}:
                    store.putheader(name, value)
            store.endheaders()
            for piece in body:
                store.send(piece)
            answer = store.getresponse()
            if lost:
                answer.read()
                raise BrokenLineError
            self._hand_over(answer)
            return answer.status
        finally:
            store.close()

    def _hand_over(self, answer: http.client.HTTPResponse) -> None:
        whole = None if answer.length is not None or self.command == "HEAD" else answer.read()
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in {"connection", "transfer-encoding"}:
                self.send_header(name, value)
        if whole is not None and answer.status != http.HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(whole)))
        self.end_headers()
        if whole is not None:
            self.wfile.write(whole)
        elif self.command != "HEAD":
            while piece := answer.read(PIECE):
                self.wfile.write(piece)

    def _refuse(self, status: int, code: str, message: str) -> int:
        text = "" if self.command == "HEAD" else f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        self.send_response_only(status)
        if origin := self.headers.get("Origin"):  # S3 says so on its refusals too, or no script could read them
            self.send_header("Access-Control-Allow-Origin", origin)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())
        return status

    def _tear(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def operation(method: str, target: str, headers: Message) -> str:
    """Return what S3 calls a request."""
    marks = {*parse_qs(urlsplit(target).query, keep_blank_values=True), *(name.lower() for name in headers), ""}
    return next((name for (verb, mark), name in OPERATIONS.items() if verb == method and mark in marks), "?")


def _latin_1(text: str) -> bool:
    return all(ord(letter) <= 0xFF for letter in text)


def _meant(raw: str) -> str:
    with suppress(UnicodeDecodeError):
        return raw.encode("latin-1").decode()
    return raw


def _unfit(target: str, headers: Message) -> tuple[int, str, str] | None:
    """Find what can't be a header's value; raw bytes of a header count as the UTF-8 that they are."""
    asked = parse_qs(urlsplit(target).query, keep_blank_values=True)
    values = [value for name, many in asked.items() if name.startswith("response-") for value in many]
    values += map(_meant, headers.values())
    if all(map(_latin_1, values)):
        return None
    return 400, "InvalidArgument", "Header value cannot be represented using ISO-8859-1."


def _extra(form: bytes, headers: Message) -> tuple[int, str, str] | None:
    """Find form fields that the policy does not name."""
    options = dict(headers.get_params([])[1:])
    _, fields, files = FormDataParser().parse(io.BytesIO(form), "multipart/form-data", len(form), options)
    for file in files.values():
        file.close()
    given = {name.lower(): value for name, value in fields.items()}
    if "policy" not in given:
        return None  # the store itself has to refuse who comes without
    named = {"policy", "x-amz-signature", "file"}
    for condition in json.loads(base64.b64decode(given["policy"]))["conditions"]:
        # Either {name: value}, or a list of three whose second is "$name" (or a number, of the length's range).
        names = condition if isinstance(condition, dict) else condition[1:2]
        named |= {str(name).lower().removeprefix("$") for name in names}
    extra = sorted(name for name in given if name not in named and not name.startswith("x-ignore-"))
    return (403, "AccessDenied", f"Invalid according to Policy: Extra input fields: {extra[0]}") if extra else None
