"""What belongs to one order's page: notes, its mails as they were read, and the customer's files behind a reason."""

from collections.abc import Mapping

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.errors import BadInputError, NotFoundError
from app.gateways.storage import NoSuchObjectError
from app.kit.ids import is_uuid
from app.login.people import known_person
from app.models import Mail, Order
from app.portal import portal
from app.staff import words
from app.staff.dossier import order_of
from app.staff.log import write
from app.staff.order.files import File, files_of, open_file
from app.staff.order.mails import letter_of
from app.staff.order.notes import add_note
from app.staff.order.page import order_page
from app.staff.permissions import permitted

blueprint = Blueprint("staff_order", __name__, url_prefix="/staff/orders/<order_id>")

LONGEST_REASON = 500  # characters


@blueprint.post("/notes")
@permitted("orders.note")
def note(order_id: str) -> ResponseReturnValue:
    """Put a note to an order."""
    try:
        with portal.database.transaction() as session:
            order = order_of(session, order_id)
            add_note(session, order, known_person().email, request.form.get("text", ""), request.form.get("once", ""))
    except BadInputError as error:
        return order_page(order_id, wrong_note=True), error.status
    return redirect(url_for("staff.order", order_id=order_id, _anchor="notes"), 303)


@blueprint.get("/mails/<mail_id>")
@permitted("orders.see")
def mail(order_id: str, mail_id: str) -> ResponseReturnValue:
    """Show a mail as its reader got it, and how it was delivered."""
    with portal.database.transaction() as session:
        order = order_of(session, order_id)
        found = session.get(Mail, mail_id) if is_uuid(mail_id) else None
        if found is None or found.order_id != order.id:
            raise NotFoundError
        write(session, "order.see_mail", f"order:{order.id}", mail=found.id, kind=found.kind)
    return render_template(
        "staff/order_mail.html", order=order, mail=found, letter=letter_of(order, found), words=words
    )


@blueprint.route("/files", methods=["GET", "POST"])
@permitted("files.open", proved=True, page="staff_order.files")
def files(order_id: str) -> ResponseReturnValue:
    """Ask why a customer's file must be opened, and lead to it (AC-S04)."""
    with portal.database.transaction() as session:
        order = order_of(session, order_id)
    there = {file.slug: file for file in files_of(order) if file.gone_at is None}
    wrong = None
    if request.method == "POST":
        try:
            return redirect(_opened(order, there), 303)
        except BadInputError as error:
            wrong = error.field
    page = render_template(
        "staff/order_files.html",
        order=order,
        files=there.values(),
        wrong=wrong,
        longest=LONGEST_REASON,
        words=words,
    )
    return page, 422 if wrong else 200


def _opened(order: Order, there: Mapping[str, File]) -> str:
    """Return the address of the file that the form asks for; raises BadInputError, StorageDownError."""
    file, reason = there.get(request.form.get("file", "")), request.form.get("reason", "").strip()
    if file is None or not _is_there(file):
        raise BadInputError(field="file")
    if not reason or len(reason) > LONGEST_REASON:
        raise BadInputError(field="reason")
    with portal.database.transaction() as session:
        return open_file(session, order, file, f"staff:{known_person().email}", reason)


def _is_there(file: File) -> bool:
    try:
        portal.storage.head(file.key)
    except NoSuchObjectError:
        return False
    return True
