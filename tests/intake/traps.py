"""Files that are made to do harm, or that only look like what they are called (AC-U05)."""

import gzip
import io
import random
import stat
import struct
import zipfile
from collections.abc import Callable

TABLE = "日付,売上\n2026-11-01,100\n"
MIB = 1024 * 1024


def noise(seed: int, count: int) -> bytes:
    """Return bytes that nothing packs, the same ones for a seed."""
    return random.Random(seed).randbytes(count)  # noqa: S311  (no secret)


def zipped(members: dict[str, bytes], *, stored: bool = False) -> bytes:
    """Return a ZIP of these files."""
    out = io.BytesIO()
    how = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(out, "w", how) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return out.getvalue()


def bomb() -> bytes:
    """Return 100 MiB of zeros in a ZIP of 100 kB."""
    return zipped({"zeros.csv": bytes(100 * MIB)})


def claims(size: int) -> bytes:
    """Return a ZIP whose list says that its one file has `size` bytes."""
    body = bytearray(zipped({"a.csv": bytes(2000)}, stored=True))
    at = body.rindex(b"PK\x01\x02")
    body[at + 20 : at + 28] = struct.pack("<II", size, size)
    return bytes(body)


def with_link() -> bytes:
    """Return a ZIP with a symbolic link."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        entry = zipfile.ZipInfo("link.csv")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    return out.getvalue()


def encrypted() -> bytes:
    """Return a ZIP whose file needs a password."""
    body = bytearray(zipped({"a.csv": b"secret"}))
    body[body.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(body)


def many(count: int) -> bytes:
    """Return a ZIP of `count` empty files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(count):
            archive.writestr(zipfile.ZipInfo(f"{number}"), b"")
    return out.getvalue()


def overlapping() -> bytes:
    """Return a ZIP with 100 names for the same bytes, as in https://www.bamsoftware.com/hacks/zipbomb/."""
    one = zipped({"a.csv": noise(1, MIB)}, stored=True)
    at, end = one.rindex(b"PK\x01\x02"), one.rindex(b"PK\x05\x06")
    entries = one[at:end] * 100
    tail = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 100, 100, len(entries), at, 0)
    return one[:at] + entries + tail


def wide(columns: int) -> bytes:
    """Return a CSV of so many columns."""
    return b",".join([b"c"] * columns) + b"\n" + b",".join([b"1"] * columns) + b"\n"


REFUSED: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "zip bomb": ("a.zip", bomb, "archive_ratio"),
    "too large when unpacked": ("a.zip", lambda: claims(0xFFFFFFF0), "archive_size"),
    "members over one another": ("a.zip", overlapping, "archive_ratio"),
    "zip in a zip": ("a.zip", lambda: zipped({"b.zip": zipped({"a.csv": b"1"})}), "archive_nested"),
    "symbolic link": ("a.zip", with_link, "archive_link"),
    "dot dot": ("a.zip", lambda: zipped({"x/../../etc/cron.d/x": b"1"}), "archive_path"),
    "dot dot of Windows": ("a.zip", lambda: zipped({"..\\x.csv": b"1"}), "archive_path"),
    "absolute path": ("a.zip", lambda: zipped({"/etc/passwd": b"1"}), "archive_path"),
    "drive": ("a.zip", lambda: zipped({"C:x.csv": b"1"}), "archive_path"),
    "encrypted": ("a.zip", encrypted, "archive_encrypted"),
    "many members": ("a.zip", lambda: many(100_001), "archive_members"),
    "some members too many": ("a.zip", lambda: many(10_001), "archive_members"),
    "no member": ("a.zip", lambda: zipped({}), "archive_broken"),
    "cut zip": ("a.zip", lambda: zipped({"a.csv": bytes(1000)})[:-30], "archive_broken"),
    "no zip": ("a.zip", TABLE.encode, "unlike"),
    "gzip bomb": ("a.csv.gz", lambda: gzip.compress(bytes(100 * MIB)), "archive_ratio"),
    "gzip of many members": ("a.csv.gz", lambda: gzip.compress(bytes(5 * MIB)) * 40, "archive_ratio"),
    "cut gzip": ("a.csv.gz", lambda: gzip.compress(TABLE.encode() * 1000)[:-9], "archive_broken"),
    "gzip with a wrong sum": ("a.csv.gz", lambda: gzip.compress(b"a,b\n")[:-8] + bytes(8), "archive_broken"),
    "gzip in a gzip": ("a.csv.gz", lambda: gzip.compress(gzip.compress(b"a,b\n")), "archive_nested"),
    "tar in a gzip": ("a.gz", lambda: gzip.compress(bytes(257) + b"ustar\x0000" + bytes(1000)), "archive_nested"),
    "program in a gzip": ("a.csv.gz", lambda: gzip.compress(b"MZ\x90\x00\x03\x00"), "other_kind"),
    "zip as csv": ("a.csv", lambda: zipped({"a.csv": b"1"}), "other_kind"),
    "workbook as csv": ("a.csv", lambda: zipped({"[Content_Types].xml": b"<x/>"}), "other_kind"),
    "old workbook as csv": ("a.csv", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "other_kind"),
    "pdf as csv": ("a.csv", lambda: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + b"1 0 obj\n" * 9, "other_kind"),
    "program as csv": ("a.csv", lambda: b"MZ\x90\x00\x03\x00\x00\x00" + bytes(200), "other_kind"),
    "elf as txt": ("a.txt", lambda: b"\x7fELF\x02\x01\x01" + bytes(200), "other_kind"),
    "XML bomb as csv": ("a.csv", lambda: b'<?xml version="1.0"?>\n<!DOCTYPE lolz [<!ENTITY a "a">]>\n', "other_kind"),
    "page as csv": ("a.csv", lambda: b"\xef\xbb\xbf\n <!DOCTYPE html><html>", "other_kind"),
    "SVG as csv": ("a.tsv", lambda: b"<svg onload='alert(1)'>", "other_kind"),
    "NULs in csv": ("a.csv", lambda: b"a,b\n1,\x00\x00\n", "not_text"),
    "noise as csv": ("a.csv", lambda: noise(2, 5000).replace(b"\x00", b""), "not_text"),
    "half of UTF-16": ("a.csv", lambda: b"\xff\xfea\x00,\x00\x00\xd8\x41\x00\n\x00", "not_text"),
    "a million columns": ("a.csv", lambda: wide(1_000_000), "long_line"),
    "many columns": ("a.csv", lambda: wide(20_000), "too_many_columns"),
    "many columns, UTF-16": ("a.csv", lambda: wide(20_000).decode().encode("utf-16"), "too_many_columns"),
    "no line end": ("a.csv", lambda: b"x" * (3 * MIB), "long_line"),
    "csv as photo": ("a.jpg", TABLE.encode, "unlike"),
    "png as jpeg": ("a.jpg", lambda: b"\x89PNG\r\n\x1a\n" + bytes(50), "unlike"),
    "pdf as photo": ("a.jpg", lambda: b"%PDF-1.7\n", "other_kind"),
    "program of another extension": ("a.dat", lambda: b"MZ\x90\x00\x03", "other_kind"),
}
"""Name -> file name, how to make it, and the code of `app.intake.content.refusals` that it is refused with."""

TAKEN: dict[str, tuple[str, bytes]] = {
    "UTF-8": ("a.csv", TABLE.encode()),
    "UTF-8 with a mark": ("a.csv", TABLE.encode("utf-8-sig")),
    "UTF-16, little": ("a.csv", b"\xff\xfe" + TABLE.encode("utf-16-le")),
    "UTF-16, big": ("a.tsv", b"\xfe\xff" + TABLE.encode("utf-16-be")),
    "UTF-16 without a mark": ("a.txt", "date,sales\n1,2\n".encode("utf-16-le")),
    "UTF-16, long": ("a.csv", ("𠮷野家,1\n" * 200_000).encode("utf-16")),
    "Shift_JIS": ("a.csv", (TABLE * 99).encode("cp932")),
    "EUC-JP": ("a.csv", TABLE.encode("euc-jp")),
    "ISO-2022-JP": ("a.csv", TABLE.encode("iso-2022-jp")),
    "of DOS": ("a.csv", b"a,b\r\n1,2\r\n\x1a"),
    "of an old Mac": ("a.csv", b"a,b\r1,2\r"),
    "one line without an end": ("a.csv", b"a,b,c"),
    "begins like a program": ("a.csv", b"MZ,intensity\n100.5,3\n"),
    "begins like a bitmap": ("a.csv", b"BM,note\n1,2\n"),
    "many lines": ("a.csv", b"a,b\n" * MIB),
    "as many columns as a spreadsheet": ("a.csv", wide(16_384)),
    "HTML as text": ("a.txt", b"<html>what I want analysed</html>\n"),
    "zip": ("a.zip", zipped({"x/a.csv": TABLE.encode() * 500, "結果/b.csv": b"1"})),
    "workbook": ("a.xlsx", zipped({"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>"})),
    "gzip": ("a.csv.gz", gzip.compress(TABLE.encode() * 5000)),
    "gzip of two, padded": ("a.csv.gz", gzip.compress(b"a,b\n") + gzip.compress(b"1,2\n") + bytes(512)),
    "gzip of who knows what": ("a.gz", gzip.compress(noise(3, MIB))),
    "photo": ("A.JPG", b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(100)),
    "tiff": ("a.tif", b"II*\x00" + bytes(100)),
    "webp": ("a.webp", b"RIFF\x24\x00\x00\x00WEBPVP8 " + bytes(20)),
    "sound": ("a.wav", b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(20)),
    "of an extension that nobody knows": ("a.fcs", b"FCS3.0" + bytes(100)),
}
