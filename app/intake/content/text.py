"""Is this text, and a table that can be read? In any encoding that Japanese spreadsheets write."""

import re

from app.intake.content.refusals import RefusedError

HEAD = 1024 * 1024  # bytes that are looked at
MOST_COLUMNS = 16_384  # as many as a spreadsheet has
SEPARATORS = (",", "\t", ";", "|")
CONTROLS_AMONG = 200  # of so many bytes one may be a control character: old files have some
_UTF16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_CONTROL = re.compile(rb"[\x01-\x08\x0e-\x19\x1c-\x1f\x7f]")  # not ESC (ISO-2022-JP), nor Ctrl-Z at the end (DOS)
_CONTROL_SIGN = re.compile(r"[\x00-\x08\x0e-\x19\x1c-\x1f\x7f-\x9f]")
_LINE_END = re.compile(r"[\r\n]")


def check_text(head: bytes, *, whole: bool, extension: str) -> None:
    """Raise RefusedError where the first bytes of a file are no text, or no table; `whole`: there are no more."""
    encoding = _UTF16.get(head[:2]) or _utf16_without_mark(head)
    if encoding is None and (b"\x00" in head or len(_CONTROL.findall(head)) * CONTROLS_AMONG > len(head)):
        raise RefusedError("not_text", extension=extension)
    try:
        # Latin-1 gives every byte a character: the separators and line ends are the same in all that is not UTF-16.
        text = _decoded(head, encoding) if encoding else head.decode("latin-1")
    except UnicodeDecodeError:
        raise RefusedError("not_text", extension=extension) from None
    if encoding and _CONTROL_SIGN.search(text):
        raise RefusedError("not_text", extension=extension)
    end = _LINE_END.search(text.lstrip("\ufeff\r\n"))
    if end is None and not whole:
        raise RefusedError("long_line", size=HEAD)
    line = text[: end.start()] if end else text
    if max(line.count(separator) for separator in SEPARATORS) >= MOST_COLUMNS:
        raise RefusedError("too_many_columns", most=MOST_COLUMNS)


def _decoded(head: bytes, encoding: str) -> str:
    even = head[: len(head) // 2 * 2]
    # The last character of what was read may be cut in two.
    return even[:-2].decode(encoding) if len(even) == HEAD and _is_high(even[-2:], encoding) else even.decode(encoding)


def _is_high(unit: bytes, encoding: str) -> bool:
    return 0xD8 <= unit[1 if encoding == "utf-16-le" else 0] <= 0xDB  # noqa: PLR2004  (the high surrogates)


def _utf16_without_mark(head: bytes) -> str | None:
    """Recognise UTF-16 without a byte order mark: line ends and separators have their NUL all on one side."""
    sides = (head[0:HEAD:2].count(0), head[1:HEAD:2].count(0))
    few, many = sorted(sides)
    if few or many * 16 < len(head):
        return None
    return "utf-16-be" if sides[0] else "utf-16-le"
