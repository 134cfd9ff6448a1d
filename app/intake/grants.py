"""What a browser may do at the object store: send one file of one order under one key, for 15 minutes.

A small file goes in one form POST whose policy fixes key, type, size and checksum (AC-U01). A large one goes in parts
of a multipart upload that the server begins, remembers and completes: the browser names neither key nor upload, it gets
a presigned request for each part, whose length and checksum are signed. So it can go on after the tab was closed, and
do nothing else. Whatever arrives is looked at when it is confirmed.
"""

import base64
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any

from flask import url_for
from pydantic import BaseModel, ConfigDict, Field

from app.errors import BadInputError
from app.gateways.storage import GRANT_LIFE_S
from app.models import Order
from app.portal import portal
from app.web.texts import file_size

CONTENT_TYPE = "application/octet-stream"  # ours, whatever the browser thinks it is (AC-U12)
PART_SIZE = 16 * 1024 * 1024  # bytes
MOST_PARTS = 10_000  # https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
_MEBIBYTE = 1024 * 1024
_INCOMING = re.compile(r"incoming/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/[^/]+")

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class SignRequest(_Strict):
    """What a signature is wanted for: a part by its number, or (none) a small file whole. `sha256` is of what is sent.

    A browser without WebCrypto, on a page without https, can't say it; Amazon's S3 then refuses the part.
    """

    part: Annotated[int, Field(ge=1, le=MOST_PARTS)] | None = None
    sha256: Sha256 | None = None


class ConfirmRequest(_Strict):
    """What the browser says when it has sent a file: its SHA-256, if large the composite one (app.intake.checksum)."""

    sha256: Sha256 | None = None


class ResumeRequest(_Strict):
    """Which file the browser wants to go on with."""

    filename: Annotated[str, Field(max_length=1000)]
    size: int


def incoming_key(order: Order) -> str:
    """Return the one key that the order's browser may write to."""
    return f"incoming/{order.id}/{order.grant}"


def order_id_of(key: str) -> str | None:
    """Return whose upload a key is, or None where it is no upload's."""
    found = _INCOMING.fullmatch(key)
    return found[1] if found else None


def part_size(size: int) -> int:
    """Return how many bytes each part of a file has, but the last: whole mebibytes, and no more parts than S3 takes."""
    return max(PART_SIZE, -(-size // (MOST_PARTS * _MEBIBYTE)) * _MEBIBYTE)


def in_parts(size: int | None) -> bool:
    """Tell whether a file of a declared size goes in parts."""
    return size is not None and size > PART_SIZE


def length_of_part(size: int, number: int) -> int:
    """Return how many bytes a part of a file has; 0 or less where there is no such part."""
    each = part_size(size)
    return min(size - (number - 1) * each, each)


def count_of_parts(size: int) -> int:
    """Return in how many parts a file goes; 1 for a small one."""
    return -(-size // part_size(size))


def grant(order: Order, parts: Sequence[int] = ()) -> dict[str, Any]:
    """Return what upload.js needs to send the order's file; `parts` have arrived already."""
    size = order.declared_size or 0
    return {
        "multipart": in_parts(size),
        "part_size": part_size(size),
        "parts": [*parts],
        "sign_url": url_for("intake.sign", order_id=order.id),
        "confirm_url": url_for("intake.uploaded", order_id=order.id),
        "upload_url": url_for("intake.resume", order_id=order.id),
        "order_url": url_for("orders.show", order_id=order.id),
        "expires_at": (portal.clock() + timedelta(seconds=GRANT_LIFE_S)).isoformat(),
    }


def sign_one(order: Order, asked: SignRequest) -> dict[str, Any]:
    """Return `{"url", "fields"}` of a form for a small file, or `{"url", "headers"}` of one part of a large one.

    Raises BadInputError where the order's file does not go so.
    """
    size = order.declared_size
    if size is None or in_parts(size) != (asked.part is not None):
        raise BadInputError
    if asked.part is None:
        return _post(order, (size, size), {"success_action_status": "201", **_checksum(asked.sha256)})
    length = length_of_part(size, asked.part)
    if length <= 0 or order.upload_id is None:
        raise BadInputError
    params: dict[str, Any] = {"UploadId": order.upload_id, "PartNumber": asked.part, "ContentLength": length}
    headers = {}
    if asked.sha256:
        params["ChecksumSHA256"] = headers["x-amz-checksum-sha256"] = _base64(asked.sha256)
    return {"url": portal.storage.sign("upload_part", incoming_key(order), **params), "headers": headers}


def upload_form_for(order: Order) -> dict[str, Any]:
    """Return what `_send_file.html` shows: the plain form that sends the file without JavaScript."""
    product = portal.catalog.product(order.product)
    most = product.max_bytes if product else 0
    sizes = (order.declared_size,) * 2 if order.declared_size is not None else (1, most)
    back = f"{portal.settings.public_url}{url_for('orders.show', order_id=order.id)}?sent=1"
    return {
        **_post(order, sizes, {"success_action_redirect": back}),
        "resume_url": url_for("intake.resume", order_id=order.id) if order.declared_size else None,
        "accept": ",".join(product.accepts) if product else "",
        "max_text": file_size(most),
    }


def _post(order: Order, sizes: tuple[int, int], more: dict[str, str]) -> dict[str, Any]:
    return portal.storage.sign_post(incoming_key(order), sizes, {"Content-Type": CONTENT_TYPE, **more})


def _checksum(sha256: str | None) -> dict[str, str]:
    if sha256 is None:
        return {}
    return {"x-amz-checksum-algorithm": "SHA256", "x-amz-checksum-sha256": _base64(sha256)}


def _base64(sha256: str) -> str:
    return base64.b64encode(bytes.fromhex(sha256)).decode()
