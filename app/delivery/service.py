"""The deliverable: what the program wrote, as one zip that opens under the customer's file name."""

import hashlib
import tempfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy.orm import Session

from app.errors import PortalError
from app.kit.clock import JST
from app.kit.failpoints import fail_point
from app.mail.service import queue_mail
from app.models import Order
from app.orders.lifecycle import move_work
from app.orders.records import keep
from app.orders.states import PAID
from app.portal import portal

SLUG = "result.zip"
TYPE = "application/zip"
FOLDER = {"ja": "結果_{stem}", "en": "result_{stem}"}
MAX_STEM = 100
CHUNK = 1024 * 1024
READABLE = 0o100644 << 16
FAILED = "delivery_failed"


class NothingToDeliverError(PortalError):
    """The analysis left no result in the object store."""


def build(order_id: str) -> None:
    """Put the zip together and open the result; safe to repeat: the same zip, and one call opens it."""
    with portal.database.transaction() as session:
        order = session.get_one(Order, order_id)
    if order.state != "analysed" or order.money not in PAID:
        return
    if order.result_gone_at is not None:  # paid so late that its files were deleted already: the money must go back
        with portal.database.transaction() as session:
            call_staff(session, order_id)
        return
    facts = {"delivery": put_together(order), "delivered_at": portal.clock()}
    keep(portal.storage, "delivery", order, **facts)
    fail_point("delivery.after_upload")
    with portal.database.transaction() as session:
        order = session.get_one(Order, order_id)
        if move_work(session, order, "delivered", "worker", portal.clock(), **facts):
            queue_mail(session, "result_open", order)
            if order.attention == FAILED:
                order.attention = None
        fail_point("delivery.before_commit")


def put_together(order: Order) -> dict[str, Any]:
    """Write the zip to the object store and return its manifest; the same order always gives the same zip.

    Raises NothingToDeliverError, StorageDownError.
    """
    key = f"results/{order.id}/{SLUG}"
    with tempfile.TemporaryDirectory(prefix="delivery-") as folder:
        path = Path(folder) / SLUG
        write_zip(order, path)
        size = path.stat().st_size
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        portal.storage.upload(path, key, TYPE)
    name = f"{folder_name(order)}.zip"
    return {"files": [{"slug": SLUG, "name": name, "key": key, "size": size, "sha256": sha256, "type": TYPE}]}


def write_zip(order: Order, path: Path) -> None:
    """Write all files of a result into a zip, one at a time; the same result gives the same bytes.

    Raises NothingToDeliverError.
    """
    prefix = f"results/{order.id}/run/"
    stamp = order.created_at.astimezone(JST).timetuple()[:6]
    keys = sorted(key for key, _ in portal.storage.list(prefix))
    if not keys:
        raise NothingToDeliverError
    part = path.with_suffix(".part")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for key in keys:
            portal.storage.download(key, part)
            name = PurePosixPath(folder_name(order)) / key.removeprefix(prefix)
            entry = zipfile.ZipInfo(str(name), stamp)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = READABLE
            with part.open("rb") as source, archive.open(entry, "w", force_zip64=True) as target:
                while chunk := source.read(CHUNK):
                    target.write(chunk)


def folder_name(order: Order) -> str:
    """Return the name of the deliverable without its extension, in the order's language."""
    stem = order.filename.rpartition(".")[0] or order.filename
    return FOLDER[order.locale].format(stem=stem[:MAX_STEM])


def is_open(order: Order) -> bool:
    """Tell whether the result may be downloaded."""
    return order.state == "delivered" and order.money in PAID and order.result_gone_at is None


def file_of(order: Order, slug: str) -> dict[str, Any] | None:
    """Return the file of this name of an order's deliverable, or None."""
    files = (order.delivery or {}).get("files", [])
    return next((file for file in files if file["slug"] == slug), None)


def call_staff(session: Session, order_id: str) -> None:
    """Call for staff: the order is paid and its result could not be put together yet."""
    order = session.get_one(Order, order_id)
    if order.state == "analysed":
        order.attention = order.attention or FAILED
