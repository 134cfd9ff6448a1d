"""The page before a view as a customer, and the way back from it."""

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from app.errors import BadInputError, ConflictError, NotFoundError
from app.kit.ids import is_uuid
from app.login.customer_view import VIEW_COOKIE, VIEW_LIFE
from app.login.people import known_person
from app.models import Order
from app.portal import portal
from app.staff.permissions import permitted
from app.staff.view_as import service
from app.web.cookies import drop_cookie, read_cookie, set_cookie

blueprint = Blueprint("staff_view_as", __name__, url_prefix="/staff")

LONGEST_REASON = 500  # characters


@blueprint.route("/orders/<order_id>/view-as", methods=["GET", "POST"])
@permitted("customers.view_as", proved=True)
def begin(order_id: str) -> ResponseReturnValue:
    """Ask why, then show the order as its customer sees it."""
    who, reason = known_person(), request.form.get("reason", "").strip()
    wrong = request.method == "POST" and not 0 < len(reason) <= LONGEST_REASON
    with portal.database.transaction() as session:
        order = session.get(Order, order_id) if is_uuid(order_id) else None
        if order is None:
            raise NotFoundError
        if order.erased_at is not None:
            raise ConflictError
        if request.method != "POST" or wrong:
            page = render_template("staff/view_as.html", order=order, reason=reason, wrong=wrong)
            return page, BadInputError.status if wrong else 200
        secret = service.begin(session, order, who, reason, portal.clock())
    answer = make_response(redirect(url_for("orders.show", order_id=order_id), 303))
    set_cookie(answer, VIEW_COOKIE, secret, max_age=int(VIEW_LIFE.total_seconds()))
    return answer


@blueprint.post("/view-as/end")
@permitted("customers.view_as")
def end() -> ResponseReturnValue:
    """Go back to the back office, and to the order where the view still went on."""
    secret = read_cookie(VIEW_COOKIE)
    with portal.database.transaction() as session:
        order_id = service.end(session, secret, known_person(), portal.clock()) if secret else None
    if order_id:
        flash(gettext("You see the back office again."), "ok")
    there = url_for("staff.order", order_id=order_id) if order_id else url_for("staff.orders")
    answer = make_response(redirect(there, 303))
    drop_cookie(answer, VIEW_COOKIE)
    return answer
