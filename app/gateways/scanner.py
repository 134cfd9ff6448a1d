"""Virus scanners (AC-U06): ClamAV's daemon, or the tag that Amazon GuardDuty puts on an object.

Of the clients for clamd on the package index the one named so was last released in 2014; its protocol for a stream
(https://docs.clamav.net/manual/Usage/Scanning.html#clamd, clamd(8), INSTREAM) is spoken here in a page.
"""

import re
import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol

from app.catalog import Uploads
from app.errors import OutsideError
from app.gateways.storage import Storage

Verdict = Literal["clean", "infected", "unscanned"]
CONNECT_TIMEOUT_S = 5
ANSWER_TIMEOUT_S = 300  # for one piece to be taken, and for the verdict on a large file
PIECE = 1024 * 1024  # bytes
ANSWER_BYTES = 4096

# What GuardDuty found of an object, by its tag
# (https://docs.aws.amazon.com/guardduty/latest/ug/monitoring-malware-protection-s3-scans-gdu.html).
TAG = "GuardDutyMalwareScanStatus"
_BY_TAG: dict[str, Verdict] = {"NO_THREATS_FOUND": "clean", "THREATS_FOUND": "infected"}

# What clamd answers. Its limits are told as a finding where `AlertExceedsMax yes` is set; without it, it calls a file
# that it did not read to the end OK, so nothing larger than `clamd_max_bytes` is asked about.
_OK = re.compile(rb"^stream: OK$")
_LIMIT = re.compile(rb"Heuristics\.Limits\.Exceeded|size limit exceeded")
_FOUND = re.compile(rb"^stream: (.+) FOUND$")


class ScannerDownError(OutsideError):
    """The scanner does not answer, or answers with an error of its own; trying again later is right."""

    code = "scanner_down"


class NotScannedYetError(OutsideError):
    """The scanner has not said anything about this object yet."""

    code = "not_scanned_yet"


class Scanner(Protocol):
    """Says of an object whether it is clean, infected, or could not be looked at."""

    def scan(self, key: str, size: int, pieces: Iterable[bytes]) -> Verdict:
        """Look at the object of this key and size (bytes), whose bytes are `pieces`; they need not be taken.

        Raises ScannerDownError and NotScannedYetError: then it may be asked again.
        """


class Nobody:
    """No scanner: nothing is known of any file."""

    def scan(self, key: str, size: int, pieces: Iterable[bytes]) -> Verdict:  # noqa: ARG002  (as Scanner has it)
        """Say so."""
        return "unscanned"


@dataclass(frozen=True)
class Clamd:
    """ClamAV's daemon at `host:port` or at the path of its socket; it takes files of at most `most` bytes."""

    address: str
    most: int

    def scan(self, key: str, size: int, pieces: Iterable[bytes]) -> Verdict:  # noqa: ARG002  (as Scanner has it)
        """Send the bytes over, unless they are too many."""
        if size > self.most:
            return "unscanned"
        try:
            with self._connect() as connection:
                answer = _ask(connection, pieces)
        except (OSError, ValueError) as error:
            raise ScannerDownError from error
        if _OK.search(answer):
            return "clean"
        if _LIMIT.search(answer):
            return "unscanned"
        if _FOUND.search(answer):
            return "infected"
        raise ScannerDownError(answer[:200].decode(errors="replace"))

    @contextmanager
    def _connect(self) -> Iterator[socket.socket]:
        with self._opened() as connection:
            connection.settimeout(ANSWER_TIMEOUT_S)
            yield connection

    def _opened(self) -> socket.socket:
        if not self.address.startswith("/"):
            host, _, port = self.address.rpartition(":")
            return socket.create_connection((host, int(port)), CONNECT_TIMEOUT_S)
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(CONNECT_TIMEOUT_S)
        try:
            connection.connect(self.address)
        except OSError:
            connection.close()
            raise
        return connection


def _ask(connection: socket.socket, pieces: Iterable[bytes]) -> bytes:
    try:
        connection.sendall(b"zINSTREAM\0")
        for piece in pieces:
            for start in range(0, len(piece), PIECE):
                part = piece[start : start + PIECE]
                connection.sendall(struct.pack("!I", len(part)) + part)
        connection.sendall(struct.pack("!I", 0))
    except (BrokenPipeError, ConnectionResetError):
        pass  # it has heard enough, and said why
    answer = b""
    while not answer.endswith(b"\0") and len(answer) < ANSWER_BYTES:
        more = connection.recv(ANSWER_BYTES)
        if not more:
            break
        answer += more
    return answer.rstrip(b"\0\n")


@dataclass(frozen=True)
class GuardDuty:
    """Malware Protection for S3, which looks at the bucket's `orders/` by itself and tags what it has looked at."""

    storage: Storage

    def scan(self, key: str, size: int, pieces: Iterable[bytes]) -> Verdict:  # noqa: ARG002  (as Scanner has it)
        """Read the tag; UNSUPPORTED, ACCESS_DENIED and FAILED all mean that nobody has looked."""
        said = self.storage.tags(key).get(TAG)
        if said is None:
            raise NotScannedYetError
        return _BY_TAG.get(said, "unscanned")


def make_scanner(uploads: Uploads, storage: Storage) -> Scanner:
    """Return the scanner that the catalog names."""
    makers: dict[str, Callable[[], Scanner]] = {
        "none": Nobody,
        "clamd": lambda: Clamd(uploads.clamd, uploads.clamd_max_bytes),
        "guardduty-tag": lambda: GuardDuty(storage),
    }
    return makers[uploads.scan]()
