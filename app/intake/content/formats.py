"""Which format a file is in, by its first bytes; and which formats may stand behind which extension."""

from collections.abc import Mapping

# Signature -> format, after https://www.iana.org/assignments/media-types and the formats' own specifications. The
# longest that fits counts.
SIGNATURES: Mapping[bytes, str] = {
    b"MZ": "exe",
    b"\x7fELF": "elf",
    b"\xca\xfe\xba\xbe": "mach-o",
    b"\xcf\xfa\xed\xfe": "mach-o",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "ole",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!\x1a\x07": "rar",
    b"%PDF-": "pdf",
    b"{\\rtf": "rtf",
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpeg",
    b"GIF87a": "gif",
    b"GIF89a": "gif",
    b"II*\x00": "tiff",
    b"MM\x00*": "tiff",
    b"II+\x00": "tiff",
    b"MM\x00+": "tiff",
    b"fLaC": "flac",
    b"OggS": "ogg",
    b"ID3": "mp3",
    b"\xff\xfb": "mp3",
    b"\xff\xf3": "mp3",
    b"SQLite format 3\x00": "sqlite",
    b"PAR1": "parquet",
    b"\x89HDF\r\n\x1a\n": "hdf5",
    b"<?xml": "xml",
    b"<!doctype": "html",
    b"<html": "html",
    b"<svg": "svg",
}
# What stands behind these depends on a second mark.
_CONTAINERS: Mapping[tuple[bytes, int, bytes], str] = {
    (b"RIFF", 8, b"WAVE"): "wav",
    (b"RIFF", 8, b"AVI "): "avi",
    (b"RIFF", 8, b"WEBP"): "webp",
    (b"", 4, b"ftyp"): "mp4",
    (b"BM", 6, b"\x00\x00\x00\x00"): "bmp",
    (b"", 257, b"ustar"): "tar",
}
OFFICE_PART = b"[Content_Types].xml"  # the first member of what Word, Excel and PowerPoint write
_MARKUP = ("xml", "html", "svg")

FAMILIES: Mapping[str, str] = {
    **dict.fromkeys(("exe", "elf", "mach-o"), "program"),
    **dict.fromkeys(("ole", "office", "rtf"), "office"),
    **dict.fromkeys(("zip", "gzip", "bzip2", "xz", "zstd", "7z", "rar", "tar"), "archive"),
    **dict.fromkeys(("png", "jpeg", "gif", "tiff", "webp", "bmp"), "image"),
    **dict.fromkeys(("wav", "avi", "mp4", "flac", "ogg", "mp3"), "sound"),
    **dict.fromkeys(_MARKUP, "markup"),
    **dict.fromkeys(("sqlite", "parquet", "hdf5"), "data"),
    "pdf": "pdf",
}
"""Format -> what it is called in a refusal (`app.intake.content.refusals.FORMATS`)."""

EXTENSIONS: Mapping[str, tuple[str, ...]] = {
    ".zip": ("zip", "office"),
    ".xlsx": ("office", "zip"),
    ".gz": ("gzip",),
    ".pdf": ("pdf",),
    ".png": ("png",),
    ".jpg": ("jpeg",),
    ".jpeg": ("jpeg",),
    ".gif": ("gif",),
    ".tif": ("tiff",),
    ".tiff": ("tiff",),
    ".webp": ("webp",),
    ".bmp": ("bmp",),
    ".wav": ("wav",),
    ".flac": ("flac",),
    ".ogg": ("ogg",),
    ".mp3": ("mp3",),
    ".parquet": ("parquet",),
    ".sqlite": ("sqlite",),
}
"""Extension -> formats that may stand behind it. Of an extension that is not here, only programs are refused."""

_WRITTEN = ("pdf", "rtf", *_MARKUP)
TEXTS: Mapping[str, tuple[str, ...]] = {".csv": _WRITTEN, ".tsv": _WRITTEN, ".json": _WRITTEN, ".txt": ("pdf", "rtf")}
"""Extensions of text, and formats that are refused behind them though they are text, too. Other signatures count only
in what is no text: a table may well begin with MZ or BM."""


def format_of(head: bytes) -> str | None:
    """Return the format of a file that begins like this, or None where no signature tells it."""
    for (start, place, mark), name in _CONTAINERS.items():
        if head.startswith(start) and head[place : place + len(mark)] == mark:
            return name
    beginning = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:16].lower()
    for signature in sorted(SIGNATURES, key=len, reverse=True):
        name = SIGNATURES[signature]
        if name in _MARKUP and beginning.startswith(signature):
            return name
        if head.startswith(signature):
            return "office" if name == "zip" and OFFICE_PART in head[:4096] else name
    return None
