"""From the bytes of any upload to UTF-8 text: which encoding, is it text at all, read it in pieces."""

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from analyses.kit.program import CannotAnalyse

CHUNK = 4 << 20  # bytes
PIECE = 1 << 18  # bytes that fit the processor's cache
WINDOW = 1 << 16  # bytes looked at to tell one Japanese encoding from the other

# What other kinds of file start with, and the reason we give.
MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\xd0\xcf\x11\xe0", "excel"),
    (b"PK\x03\x04", "archive"),
    (b"\x1f\x8b", "archive"),
    (b"BZh", "archive"),
    (b"\x28\xb5\x2f\xfd", "archive"),
    (b"7z\xbc\xaf", "archive"),
    (b"Rar!", "archive"),
    (b"%PDF", "binary"),
    (b"\x89PNG", "binary"),
    (b"GIF8", "binary"),
    (b"\xff\xd8\xff", "binary"),
    (b"SQLite format 3", "binary"),
    (b"PAR1", "binary"),
)
BOMS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Python's euc_jp lacks the vendor's characters (circled digits); euc_jis_2004 has them.
JAPANESE = ("euc_jp", "euc_jis_2004", "cp932")
NAMES = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 (BOM)",
    "utf-16": "UTF-16",
    "euc_jp": "EUC-JP",
    "euc_jis_2004": "EUC-JP",
    "cp932": "Shift_JIS (CP932)",
}
ENOUGH_WIDE = 8  # characters beyond ASCII
# Bytes that are no character, which Python's cp932 passes as if they were.
NO_CHARACTER = re.compile("[\x80-\x84\x86-\x9f\uf8f0-\uf8f3]")
BINARY_SHARE = 0.005  # share of control characters from which bytes are no text


@dataclass(frozen=True)
class Utf8:
    """A text file in UTF-8: where it lies (the upload itself, or a copy) and what the upload was in."""

    path: Path
    encoding: str


class _BadBytesError(Exception):
    """Bytes that the tried encoding does not know: offset in bytes, line from 1, whether at the end."""

    def __init__(self, offset: int, line: int, *, at_end: bool) -> None:
        super().__init__(offset)
        self.offset = offset
        self.line = line
        self.at_end = at_end


def to_utf8(path: Path, scratch: Path) -> Utf8:
    """Find the encoding of `path` and give it as UTF-8, copied into `scratch` only where it must be.

    Reads the file once (twice when it is not UTF-8), a few MiB at a time. Raises CannotAnalyse.
    """
    with path.open("rb") as file:
        head = file.read(CHUNK)
    _refuse_what_is_no_text(head)
    bom = next((name for mark, name in BOMS if head.startswith(mark)), None)
    if bom == "utf-16":
        return _convert(path, scratch, [bom])
    encoding = bom or "utf-8"
    try:
        if not _is_clean_utf8(path):
            for _ in _decoded(path, encoding):
                pass
    except _BadBytesError as error:
        if bom or _is_utf8_before(path, error.offset):
            raise _reason(error, encoding) from None
        return _convert(path, scratch, _ranked_japanese(path, error.offset))
    # Files of the old Mac end lines with CR alone, which the table reader does not know.
    old_mac = b"\r" in head and b"\n" not in head
    return _convert(path, scratch, [encoding]) if old_mac else Utf8(path, encoding)


def _refuse_what_is_no_text(head: bytes) -> None:
    if not head.strip(b" \t\r\n\xef\xbb\xbf"):
        raise CannotAnalyse("empty")
    for mark, code in MAGIC:
        if head.startswith(mark):
            raise CannotAnalyse("excel" if b"xl/" in head[:65536] else code)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return
    if b"\0" in head:
        raise CannotAnalyse("nul")
    controls = sum(head.count(byte) for byte in range(32) if byte not in b"\t\n\r\f\x1a\x1b")
    if controls > len(head) * BINARY_SHARE:
        raise CannotAnalyse("binary")


def _is_clean_utf8(path: Path) -> bool:
    """Tell whether a file of lines is UTF-8 without NUL: ten times as fast as `_decoded`, which finds what is wrong."""
    rest = b""
    with path.open("rb") as file:
        while chunk := file.read(PIECE):
            whole, newline, begun = chunk.rpartition(b"\n")
            if not newline or not _reads(rest + whole):
                return False
            rest = begun
    return _reads(rest)


def _reads(text: bytes) -> bool:
    try:
        pl.Series([text]).cast(pl.String)
    except pl.exceptions.PolarsError:
        return False
    return b"\0" not in text


def _decoded(path: Path, encoding: str) -> Iterator[str]:
    """Yield the file's text piece by piece. Raises _BadBytesError, CannotAnalyse (NUL)."""
    decoder = codecs.getincrementaldecoder(encoding)()
    done, line = 0, 1
    with path.open("rb") as file:
        while True:
            chunk = file.read(CHUNK)
            pending = len(decoder.getstate()[0])
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                bad = error.object[: error.start]
                at_end = not chunk or (
                    error.end >= len(error.object) and len(chunk) < CHUNK and "incomplete" in error.reason
                )
                line += bad.count(b"\n")
                raise _BadBytesError(done - pending + error.start, line, at_end=at_end) from None
            if "\0" in text:
                raise CannotAnalyse("nul")
            if encoding in JAPANESE and (wrong := NO_CHARACTER.search(text)):
                line += text.count("\n", 0, wrong.start())
                raise _BadBytesError(done, line, at_end=False)
            if not chunk:
                return
            yield text
            done += len(chunk)
            line += text.count("\n")


def _is_utf8_before(path: Path, offset: int) -> bool:
    """Tell a damaged UTF-8 file: other encodings do not read as UTF-8 by chance for so long."""
    wide = 0
    with path.open("rb") as file:
        while wide < ENOUGH_WIDE and (chunk := file.read(min(CHUNK, offset))):
            offset -= len(chunk)
            if not chunk.isascii():
                wide += sum(char > "\x7f" for char in chunk.decode("utf-8", "ignore"))
    return wide >= ENOUGH_WIDE


def _convert(path: Path, scratch: Path, encodings: list[str]) -> Utf8:
    target = scratch / "utf8.csv"
    worst: tuple[_BadBytesError, str] | None = None
    for encoding in encodings:
        newlines = io.IncrementalNewlineDecoder(None, translate=True)
        try:
            with target.open("w", encoding="utf-8", newline="") as out:
                out.writelines(newlines.decode(text) for text in _decoded(path, encoding))
                out.write(newlines.decode("", final=True))
        except _BadBytesError as error:
            if worst is None or error.offset > worst[0].offset:
                worst = (error, encoding)
        else:
            return Utf8(target, encoding)
    if worst is None:
        raise CannotAnalyse("encoding_unknown")
    raise _reason(*worst) from None


def _reason(error: _BadBytesError, encoding: str) -> CannotAnalyse:
    if error.at_end:
        return CannotAnalyse("cut")
    return CannotAnalyse("encoding", encoding=NAMES[encoding], line=f"{error.line:,}")


def _ranked_japanese(path: Path, offset: int) -> list[str]:
    """Return the Japanese encodings that read the bytes around `offset`, the most Japanese-looking first."""
    with path.open("rb") as file:
        file.seek(max(0, offset - 256))
        window = file.read(WINDOW)
    if offset > 256:  # noqa: PLR2004 - the line feed is no part of a character in any of them
        window = window.partition(b"\n")[2] or window
    scores: dict[str, float] = {}
    for encoding in JAPANESE:
        try:
            scores[encoding] = _japanese_share(codecs.getincrementaldecoder(encoding)().decode(window))
        except UnicodeDecodeError:
            continue
    # None reads the window: try them all, the furthest one tells the line.
    return sorted(scores, key=lambda name: -scores[name]) or list(JAPANESE)


def _japanese_share(text: str) -> float:
    """Return the share of kana, kanji and full-width marks, less that of half-width kana and rare letters."""
    wide = [char for char in text if ord(char) > 127]  # noqa: PLR2004 - ASCII
    if not wide:
        return 0.0
    common = sum("\u3000" <= char <= "\u30ff" or "\u4e00" <= char <= "\u9fff" for char in wide)
    kana = sum("\u3040" <= char <= "\u30ff" for char in wide)
    halfwidth = sum("\uff61" <= char <= "\uff9f" for char in wide)
    return (common + kana - 2 * halfwidth) / len(wide)
