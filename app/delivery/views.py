"""Downloads: each click is checked anew and leads to a signed address that lives for minutes (AC-U13)."""

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue

from app.delivery.service import SLUG, file_of, is_open
from app.errors import ConflictError, NotFoundError, PortalError
from app.gateways.storage import DOWNLOAD_LIFE_S
from app.kit.filenames import attachment
from app.orders.access import order_for_payer, order_for_viewer
from app.orders.lifecycle import record
from app.portal import portal

blueprint = Blueprint("delivery", __name__)


class RefundedError(PortalError):
    """The money went back, so the result is closed (AC-U14)."""

    status = 410
    code = "refunded"


class FilesGoneError(PortalError):
    """The files are deleted: their time is over (app.privacy.retention)."""

    status = 410
    code = "files_gone"


@blueprint.get("/orders/<order_id>/files/<name>")
def download(order_id: str, name: str) -> ResponseReturnValue:
    """Lead to a file of a paid order; the pay link alone does not open it."""
    with portal.database.transaction() as session:
        order = order_for_viewer(session, order_id)
        file = file_of(order, name)
        if file is None and name != SLUG:
            raise NotFoundError
        if order.money == "refunded":
            raise RefundedError
        if order.result_gone_at is not None:
            raise FilesGoneError
        if file is None or not is_open(order):
            raise ConflictError("not_open")
        record(session, order.id, "file.downloaded", "customer", portal.clock(), file=name)
    _, dot, extension = name.rpartition(".")
    disposition = attachment(file["name"], f"result-{order.id[:8]}{dot}{extension}")
    return redirect(portal.storage.sign_download(file["key"], disposition, file["type"]))


@blueprint.get("/orders/<order_id>/preview/<name>")
def preview(order_id: str, name: str) -> ResponseReturnValue:
    """Lead to the free preview's image, for the order's viewer and for whoever may pay it."""
    with portal.database.transaction() as session:
        order = order_for_payer(session, order_id, request.args.get("t"))
    if order.result_gone_at is not None:
        raise FilesGoneError
    if not order.preview or order.preview.get("image") != name:
        raise NotFoundError
    return redirect(
        portal.storage.sign(
            "get_object",
            f"previews/{order.id}/{name}",
            DOWNLOAD_LIFE_S,
            ResponseContentType="image/png",
            ResponseContentDisposition="inline",
            ResponseCacheControl="private, max-age=300",
        )
    )
