"""What a browser may do at the object store: send one file of one order under one key, for 15 minutes.

A small file goes in one form POST whose policy fixes key, type, size and checksum (AC-U01). A large one goes in parts
of a multipart upload that the server has begun and remembers, so it can't be another one and can be gone on with after
the tab was closed: each part is a presigned request for the same key and upload. Whatever arrives is looked at when it
is confirmed.
"""

import base64
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Literal

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
_SHA256 = r"^[0-9a-f]{64}$"


class SignRequest(BaseModel):
    """One request of the upload library that wants a signature (static/src/upload/transfer.js)."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    method: Literal["PUT", "POST", "GET", "DELETE"]
    key: str
    upload_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9._~+/=-]{1,1024}$")
    part_number: int | None = Field(default=None, ge=1, le=10_000)
    content_type: str | None = None
    sha256: str | None = Field(default=None, pattern=_SHA256)


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


def grant(order: Order) -> dict[str, Any]:
    """Return what upload.js needs to send the order's file."""
    return {
        "key": incoming_key(order),
        "content_type": CONTENT_TYPE,
        "part_size": part_size(order.declared_size or 0),
        "upload_id": order.upload_id,
        "sign_url": url_for("intake.sign", order_id=order.id),
        "confirm_url": url_for("intake.uploaded", order_id=order.id),
        "resume_url": url_for("intake.resume", order_id=order.id),
        "order_url": url_for("orders.show", order_id=order.id),
        "expires_at": (portal.clock() + timedelta(seconds=GRANT_LIFE_S)).isoformat(),
    }


def sign_one(order: Order, asked: SignRequest) -> dict[str, Any]:
    """Return `{"url", "fields"?}` for a request on the order's own key and upload; BadInputError for all else."""
    size = order.declared_size
    shape = (asked.method, asked.upload_id is not None, asked.part_number is not None, asked.content_type)
    operation = _OPERATIONS.get(shape)
    if asked.key != incoming_key(order) or operation is None or size is None:
        raise BadInputError
    if asked.upload_id not in {None, order.upload_id} or (asked.sha256 and not completes(asked)):
        raise BadInputError
    return operation(order, asked, size)


def completes(asked: SignRequest) -> bool:
    """Tell whether this is the request that lets the whole file appear: its checksum must be known before."""
    return asked.method == "POST"


def upload_form_for(order: Order) -> dict[str, Any]:
    """Return what `_send_file.html` shows: the plain form that sends the file without JavaScript."""
    product = portal.catalog.product(order.product)
    most = product.max_bytes if product else 0
    back = f"{portal.settings.public_url}{url_for('orders.show', order_id=order.id)}?sent=1"
    return {
        **_post(order, (1, most), {"success_action_redirect": back}),
        "resume_url": url_for("intake.resume", order_id=order.id) if order.declared_size else None,
        "accept": ",".join(product.accepts) if product else "",
        "max_text": file_size(most),
    }


def _post(order: Order, sizes: tuple[int, int], more: dict[str, str]) -> dict[str, Any]:
    fields = {"Content-Type": CONTENT_TYPE, **more}
    if order.declared_size is not None:
        sizes = (order.declared_size, order.declared_size)
    if order.declared_sha256 is not None:
        fields["x-amz-checksum-algorithm"] = "SHA256"
        fields["x-amz-checksum-sha256"] = base64.b64encode(bytes.fromhex(order.declared_sha256)).decode()
    return portal.storage.sign_post(incoming_key(order), sizes, fields)


def _whole(order: Order, _asked: SignRequest, size: int) -> dict[str, Any]:
    if in_parts(size):
        raise BadInputError
    return _post(order, (size, size), {"success_action_status": "201"})


def _part(order: Order, asked: SignRequest, size: int) -> dict[str, Any]:
    number = asked.part_number or 0
    each = part_size(size)
    left = size - (number - 1) * each
    if left <= 0:
        raise BadInputError
    # The signed length keeps the sum of the parts at the declared size.
    return _url(
        order,
        "upload_part",
        UploadId=asked.upload_id,
        PartNumber=number,
        ContentLength=min(left, each),
    )


def _of_upload(operation: str) -> Callable[[Order, SignRequest, int], dict[str, Any]]:
    return lambda order, asked, _size: _url(order, operation, UploadId=asked.upload_id)


def _url(order: Order, operation: str, **params: Any) -> dict[str, Any]:  # noqa: ANN401  (boto3's own parameters)
    return {"url": portal.storage.sign(operation, incoming_key(order), **params)}


# (method, has upload_id, has part_number, content_type) -> what may be done
_OPERATIONS: dict[tuple[str, bool, bool, str | None], Callable[[Order, SignRequest, int], dict[str, Any]]] = {
    ("PUT", False, False, CONTENT_TYPE): _whole,
    ("PUT", True, True, None): _part,
    ("POST", True, False, None): _of_upload("complete_multipart_upload"),
    ("GET", True, False, None): _of_upload("list_parts"),
    ("DELETE", True, False, None): _of_upload("abort_multipart_upload"),
}
