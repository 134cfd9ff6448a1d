"""What goes with the list of orders: its export, and views of it that are kept."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from werkzeug.datastructures import MultiDict

from app.errors import BadInputError
from app.kit.clock import JST
from app.kit.filenames import attachment
from app.kit.ids import is_uuid
from app.login.people import known_person
from app.portal import portal
from app.staff.listing.asked import Asked, read
from app.staff.listing.columns import COLUMNS
from app.staff.listing.export import lines_of
from app.staff.listing.pages import page_of
from app.staff.listing.saved import forget, keep, views_of
from app.staff.log import write
from app.staff.permissions import permitted

blueprint = Blueprint("staff_list", __name__, url_prefix="/staff/orders")

MOST_TICKED = 100


@blueprint.get("/export")
@permitted("orders.export")
def export() -> ResponseReturnValue:
    """Ask which columns the file should have, and say about how many orders it will hold."""
    asked = _without_place(request.args)
    with portal.database.transaction() as session:
        page = page_of(session, asked)
    return render_template("staff/export.html", asked=asked, page=page, columns=COLUMNS)


@blueprint.post("/export")
@permitted("orders.export")
def download() -> ResponseReturnValue:
    """Send the file (AC-S06): the orders of the filters, or those that were ticked. An export is an event of the log.

    The log holds no search text: it is often somebody's address.
    """
    asked, order_ids = _without_place(request.form), request.form.getlist("order")
    chosen = request.form.getlist("column") or [name for name, column in COLUMNS.items() if column.usual]
    if "ticked" in request.form and not order_ids:
        flash(gettext("Please choose one order or more."), "warn")
        return redirect(url_for("staff.orders"), 303)
    if not COLUMNS.keys() >= set(chosen):
        raise BadInputError(field="column")
    if len(order_ids) > MOST_TICKED or not all(map(is_uuid, order_ids)):
        raise BadInputError(field="order")
    filters = {name: value if name != "q" else "..." for name, value in asked.kept.items()}
    with portal.database.transaction() as session:
        write(session, "orders.export", "orders", filters=filters, columns=chosen, ticked=len(order_ids))
    day = portal.clock().astimezone(JST).strftime("%Y%m%d-%H%M")
    lines = (line.encode() for line in lines_of(asked, [name for name in COLUMNS if name in chosen], order_ids))
    return (
        stream_with_context(lines),
        {
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": attachment(f"orders-{day}.csv", "orders.csv"),
            "X-Accel-Buffering": "no",
        },
    )


@blueprint.post("/views")
@permitted("orders.see")
def keep_view() -> ResponseReturnValue:
    """Keep the filters that are set under a name; the same name again means in its place."""
    asked = _without_place(request.form)
    with portal.database.transaction() as session:
        keep(session, known_person().email, request.form.get("name", "").strip(), asked)
    kept: dict[str, Any] = dict(asked.kept)
    return redirect(url_for("staff.orders", **kept), 303)


@blueprint.get("/views")
@permitted("orders.see")
def kept_views() -> ResponseReturnValue:
    """Show the views that this member of staff keeps, to go to them or to forget them."""
    with portal.database.transaction() as session:
        views = views_of(session, known_person().email)
    return render_template("staff/views.html", views=views)


@blueprint.post("/views/forget")
@permitted("orders.see")
def forget_view() -> ResponseReturnValue:
    """Forget one of them."""
    with portal.database.transaction() as session:
        forget(session, known_person().email, request.form.get("name", ""))
    return redirect(url_for("staff_list.kept_views"), 303)


def _without_place(values: MultiDict[str, str]) -> Asked:
    return read({name: value for name, value in values.items() if name not in {"before", "after"}})
