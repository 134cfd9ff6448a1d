"""Archives, looked at before anything is unpacked: a ZIP by its list of members, a gzip by counting what comes out."""

import re
import stat
import zipfile
import zlib
from collections.abc import Callable
from typing import IO, Protocol, cast

from app.intake.content.formats import FAMILIES, format_of
from app.intake.content.refusals import RefusedError

MOST_MEMBERS = 10_000
LIST_BYTES = 4 * 1024 * 1024  # of a ZIP's list of members that are read at most
MOST_RATIO = 200  # real tables come to 10 or 20, the sheer repetition of a bomb to 1,000
FREE_BYTES = 10 * 1024 * 1024  # what unpacks to no more is small, however tight
OUT = 1024 * 1024  # bytes unpacked at a time
_NESTED = (".zip", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar", ".tar", ".jar", ".cab", ".iso")
_LEADS_OUT = re.compile(r"^[/\\]|^[A-Za-z]:|(^|[/\\])\.\.([/\\]|$)|\x00")


class Source(Protocol):
    """An object of the store, read in places."""

    @property
    def size(self) -> int:
        """How many bytes it has."""

    def span(self, start: int, length: int) -> bytes:
        """Read `length` bytes from `start` on, fewer at the end."""


class _Places:
    """A source as `zipfile` wants it: a file that can be sought. Raises RefusedError where too much is asked for."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._at = 0
        self._left = LIST_BYTES

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        at = (0, self._at, self._source.size)[whence] + offset
        if at < 0:
            raise OSError("before the beginning")
        self._at = at
        return at

    def read(self, length: int = -1) -> bytes:
        left = max(0, self._source.size - self._at)
        length = left if length < 0 else min(length, left)
        self._left -= length
        if self._left < 0:
            raise RefusedError("archive_members", most=MOST_MEMBERS)
        found = self._source.span(self._at, length) if length else b""
        self._at += len(found)
        return found


# What no member may be.
_MEMBERS: dict[str, Callable[[zipfile.ZipInfo], bool]] = {
    "archive_encrypted": lambda member: bool(member.flag_bits & 1),
    "archive_link": lambda member: stat.S_ISLNK(member.external_attr >> 16),
    "archive_path": lambda member: bool(_LEADS_OUT.search(member.orig_filename)),
    "archive_nested": lambda member: member.filename.lower().endswith(_NESTED),
}


def check_zip(source: Source, most: int) -> None:
    """Raise RefusedError where a ZIP is broken, is a trap, or unpacks to more than `most` bytes."""
    try:
        with zipfile.ZipFile(cast("IO[bytes]", _Places(source))) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError, OverflowError):
        raise RefusedError("archive_broken") from None
    if not 0 < len(members) <= MOST_MEMBERS:
        raise RefusedError("archive_members", most=MOST_MEMBERS) if members else RefusedError("archive_broken")
    for member in members:
        for code, is_so in _MEMBERS.items():
            if is_so(member):
                raise RefusedError(code, name=_shown(member.filename))
    packed = sum(member.compress_size for member in members)
    _bounded(sum(member.file_size for member in members), packed, most)
    if packed > source.size:  # members that share their bytes
        raise RefusedError("archive_ratio")


def _shown(name: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in name[:80])


def _bounded(unpacked: int, packed: int, most: int) -> None:
    if unpacked > most:
        raise RefusedError("archive_size", size=most)
    if unpacked > FREE_BYTES and unpacked > packed * MOST_RATIO:
        raise RefusedError("archive_ratio")


class Gunzip:
    """Takes a gzip piece by piece and counts what comes out, which is not kept but for its first bytes (`head`)."""

    def __init__(self, most: int, head: int) -> None:
        """Take how many bytes may come out, and how many of them to keep."""
        self._most, self._keep = most, head
        self._packed = self._unpacked = 0
        self._member = zlib.decompressobj(wbits=31)
        self.head = b""

    def feed(self, piece: bytes) -> None:
        """Take the next bytes; raises RefusedError."""
        self._packed += len(piece)
        rest = piece
        while rest:
            if self._member.eof:  # another member follows, or padding
                rest = rest.lstrip(b"\x00")
                if not rest:
                    return
                self._member = zlib.decompressobj(wbits=31)
            rest = self._take(rest)

    def _take(self, rest: bytes) -> bytes:
        """Unpack a bounded piece; returns what is left to unpack."""
        try:
            out = self._member.decompress(rest, OUT)
        except zlib.error:
            raise RefusedError("archive_broken") from None
        self._unpacked += len(out)
        if len(self.head) < self._keep:
            self.head = (self.head + out)[: self._keep]
        _bounded(self._unpacked, self._packed, self._most)
        return self._member.unused_data if self._member.eof else self._member.unconsumed_tail

    @property
    def unpacked(self) -> int:
        """How many bytes came out."""
        return self._unpacked

    def finish(self) -> None:
        """Raise RefusedError where the end is missing, or another archive came out."""
        if not self._member.eof:
            self._take(b"")  # what did not fit into the last piece
        if not self._member.eof:
            raise RefusedError("archive_broken")
        if FAMILIES.get(format_of(self.head) or "") == "archive":
            raise RefusedError("archive_nested", name="gzip")
