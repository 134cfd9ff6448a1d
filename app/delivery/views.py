"""Downloads: each click is checked anew and leads to a signed address that lives for minutes (AC-U13)."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from app.delivery.bundle import REPORT, ZIP
from app.delivery.keeping import keep_longer
from app.delivery.service import file_of, is_open
from app.errors import ConflictError, NotFoundError, PortalError
from app.gateways.storage import DOWNLOAD_LIFE_S
from app.kit.filenames import attachment
from app.models import Order
from app.orders.access import order_for_payer, order_for_viewer
from app.orders.lifecycle import record
from app.portal import portal
from app.web.texts import jst_date

blueprint = Blueprint("delivery", __name__)


class RefundedError(PortalError):
    """The money went back, so the result is closed (AC-U14)."""

    status = 410
    code = "refunded"


class ClosedError(ConflictError):
    """Staff keep the result from being opened for now."""

    code = "downloads_closed"


class FilesGoneError(PortalError):
    """The files are deleted: their time is over (app.privacy.retention)."""

    status = 410
    code = "files_gone"


@blueprint.get("/orders/<order_id>/files/<name>")
def download(order_id: str, name: str) -> ResponseReturnValue:
    """Lead to a file of a paid order; the pay link alone does not open it."""
    with portal.database.transaction() as session:
        order, file = _opened(session, order_id, name)
        record(session, order.id, "file.downloaded", "customer", portal.clock(), file=name)
    if name == REPORT and request.headers.get("Sec-Fetch-Dest") == "iframe":
        disposition = "inline"  # in the frame of `report`; anywhere else a page of somebody's data is a file (AC-U12)
    else:
        _, dot, extension = name.rpartition(".")
        disposition = attachment(file["name"], f"result-{order.id[:8]}{dot}{extension}")
    return redirect(portal.storage.sign_download(file["key"], disposition, file["type"]))


@blueprint.get("/orders/<order_id>/report")
def report(order_id: str) -> ResponseReturnValue:
    """Show the report in a frame in which nothing of it can run, from the object store's origin (AC-U11)."""
    with portal.database.transaction() as session:
        order, _file = _opened(session, order_id, REPORT)
    return render_template("delivery/report.html", order=order, name=REPORT)


@blueprint.post("/orders/<order_id>/keep")
def keep(order_id: str) -> ResponseReturnValue:
    """Keep the result for thirty days more."""
    with portal.database.transaction() as session:
        order, _file = _opened(session, order_id, ZIP)
        keep_longer(session, order, request.form.get("until", ""))
        session.refresh(order)
    if order.kept_until is not None:
        flash(gettext("Your result can be downloaded until %(day)s.", day=jst_date(order.kept_until)), "ok")
    return redirect(url_for("orders.show", order_id=order_id), 303)


def _opened(session: Session, order_id: str, name: str) -> tuple[Order, dict[str, Any]]:
    """Return an order of this visitor and a file of its open result, or raise why there is none."""
    order = order_for_viewer(session, order_id)
    file = file_of(order, name)
    if file is None and name != ZIP:
        raise NotFoundError
    if order.money == "refunded":
        raise RefundedError
    if order.result_gone_at is not None:
        raise FilesGoneError
    if order.downloads_closed_at is not None:
        raise ClosedError
    if file is None or not is_open(order):
        raise ConflictError("not_open")
    return order, file


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
