"""The files of an order, and opening one of them although it is the customer's (AC-S04).

Staff see names, sizes and checksums. What is in a file they see only after they said why; the staff log and the
order's record keep that they did.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.delivery.bundle import parts_of
from app.kit.filenames import attachment, extension_of
from app.models import Order
from app.orders.lifecycle import record
from app.portal import portal
from app.staff.log import write

INPUT, PREVIEW = "input", "preview"
BYTES = "application/octet-stream"  # of what a customer sent nothing is believed, its type neither


@dataclass(frozen=True)
class File:
    """One object of an order in the store; size in bytes, SHA-256 in hex, both where we know them.

    `gone_at`: since when it is deleted.
    """

    slug: str
    name: str
    key: str
    type: str
    size: int | None
    sha256: str | None
    gone_at: datetime | None


def files_of(order: Order) -> list[File]:
    """Return the files of an order: what the customer sent, the picture of the preview, the result."""
    return list(_files(order))


def _files(order: Order) -> Iterator[File]:
    if order.size is not None:
        key = f"orders/{order.id}.kaiseki"
        yield File(INPUT, order.filename, key, BYTES, order.size, order.sha256, order.input_gone_at)
    image = (order.preview or {}).get("image")
    if image:
        yield File(PREVIEW, image, f"previews/{order.id}/{image}", "image/png", None, None, order.result_gone_at)
    for part in parts_of(order):
        yield File(
            part["slug"], part["name"], part["key"], part["type"], part["size"], part.get("sha256"),
            order.result_gone_at,
        )  # fmt: skip


def open_file(session: Session, order: Order, file: File, actor: str, reason: str) -> str:
    """Write down who opens a customer's file, and why; return an address of the store that is good for minutes."""
    record(session, order.id, "staff.file_opened", actor, portal.clock(), file=file.slug, reason=reason)
    write(session, "order.open_file", f"order:{order.id}", reason=reason, file=file.slug)
    fallback = f"{file.slug.partition('.')[0]}-{order.id[:8]}{extension_of(file.slug)}"
    return portal.storage.sign_download(file.key, attachment(file.name, fallback), file.type)
