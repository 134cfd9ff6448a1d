"""File names of customers: shown, never used as a key (AC-U09), and offered again at download (AC-U10)."""

import re
import unicodedata
from urllib.parse import quote

MAX_LENGTH = 120
_KEPT_OUT = re.compile(r'[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff/\\"<>|:*?]')


def display_name(raw: str) -> str:
    """Return a customer's file name as text that is safe to show: NFC, no control, bidi or path characters.

    At most 120 characters, the extension kept; an empty name becomes "file".
    """
    text = unicodedata.normalize("NFC", raw).replace("\\", "/").rsplit("/", 1)[-1]
    text = _KEPT_OUT.sub("", text).strip(" .")
    if len(text) > MAX_LENGTH:
        stem, dot, extension = text.rpartition(".")
        keep = MAX_LENGTH - len(extension) - 1
        text = f"{stem[:keep]}.{extension}" if dot and keep > 0 else text[:MAX_LENGTH]
    return text or "file"


def extension_of(name: str) -> str:
    """Return the extension in lower case with its dot, or an empty text."""
    _, dot, extension = name.rpartition(".")
    return f".{extension.lower()}" if dot else ""


def attachment(name: str, fallback: str) -> str:
    """Return a Content-Disposition value that offers `name` for saving.

    The name travels as UTF-8 after RFC 8187; `fallback` is the ASCII name for old programs (RFC 6266, appendix D).
    S3 refuses values outside ISO-8859-1, so the result is pure ASCII.
    """
    encoded = quote(display_name(name), safe="")
    return f"attachment; filename=\"{fallback}\"; filename*=UTF-8''{encoded}"
