"""What is delivered: everything that the program wrote, as one zip, and its report once more as a page to look at.

Both are written piece by piece from the object store into the object store. The same order gives the same zip, byte for
byte, as long as zlib stays the same.
"""

import zipfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from app.errors import PortalError
from app.kit.clock import JST
from app.models import Order
from app.portal import portal

ZIP = "result.zip"
ZIP_TYPE = "application/zip"
FOLDER = {"ja": "結果_{stem}", "en": "result_{stem}"}
MAX_STEM = 100
READABLE = 0o100644 << 16

REPORT = "report.html"
REPORT_TYPE = "text/html; charset=utf-8"
MAX_REPORT = 20 * 1024 * 1024  # bytes; a larger one is for a program that is made for it, not for a browser's tab
BOM = b"\xef\xbb\xbf"
# A policy that stands before anything the program wrote: whatever the report says, browsers run no script of it, load
# nothing for it and send nothing from it. (S3 can't send the header itself. A page's first policy can only be made
# stricter by what follows, and a second doctype, html or head is passed over by the HTML parser.)
HARMLESS = (
    b"<!doctype html><meta charset=utf-8><meta http-equiv=Content-Security-Policy content=\"default-src 'none';"
    b" style-src 'unsafe-inline'; img-src data:; font-src data:; form-action 'none'; base-uri 'none'\">"
    b"<meta name=referrer content=no-referrer>\n"
)


class NothingToDeliverError(PortalError):
    """The analysis left no result in the object store."""


def put_together(order: Order) -> dict[str, Any]:
    """Write zip and report to the object store and return the manifest: `{"files": [...], "report": {...} or None}`.

    Raises NothingToDeliverError, StorageDownError.
    """
    prefix = f"results/{order.id}/run/"
    found = sorted(portal.storage.list(prefix))
    if not found:
        raise NothingToDeliverError
    names = {key.removeprefix(prefix): size for key, size in found}
    zipped = _write_zip(order, prefix, names)
    report = _write_report(order, prefix) if 0 < names.get(REPORT, 0) <= MAX_REPORT else None
    return {"files": [zipped], "report": report}


def _write_zip(order: Order, prefix: str, names: Iterable[str]) -> dict[str, Any]:
    folder, stamp = folder_name(order), _stamp(order.created_at)
    key = f"results/{order.id}/{ZIP}"
    with portal.storage.write(key, ZIP_TYPE) as target:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in names:
                entry = zipfile.ZipInfo(str(PurePosixPath(folder) / name), stamp)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = READABLE
                with archive.open(entry, "w", force_zip64=True) as member:
                    for piece in portal.storage.stream(prefix + name):
                        member.write(piece)
        size, sha256 = target.size, target.sha256
    return {"slug": ZIP, "name": f"{folder}.zip", "key": key, "size": size, "sha256": sha256, "type": ZIP_TYPE}


def _write_report(order: Order, prefix: str) -> dict[str, Any]:
    key = f"results/{order.id}/{REPORT}"
    with portal.storage.write(key, REPORT_TYPE) as target:
        target.write(HARMLESS)
        for number, piece in enumerate(portal.storage.stream(prefix + REPORT)):
            target.write(piece if number else piece.removeprefix(BOM))
        size, sha256 = target.size, target.sha256
    name = f"{folder_name(order)}.html"
    return {"slug": REPORT, "name": name, "key": key, "size": size, "sha256": sha256, "type": REPORT_TYPE}


def _stamp(moment: datetime) -> tuple[int, int, int, int, int, int]:
    at = moment.astimezone(JST)
    return at.year, at.month, at.day, at.hour, at.minute, at.second


def folder_name(order: Order) -> str:
    """Return the name of the deliverable without its extension, in the order's language."""
    stem = order.filename.rpartition(".")[0] or order.filename
    return FOLDER[order.locale].format(stem=stem[:MAX_STEM])


def parts_of(order: Order) -> list[dict[str, Any]]:
    """Return all objects of an order's deliverable: its files, and the report where there is one."""
    delivery = order.delivery or {}
    return [*delivery.get("files", []), *([delivery["report"]] if delivery.get("report") else [])]
