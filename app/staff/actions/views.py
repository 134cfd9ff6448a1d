"""The confirm page of an action on an order, or on many, and its carrying out."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import BadInputError, NotFoundError, PortalError
from app.kit.ids import is_uuid, new_id
from app.login.people import STAFF_STEP_UP, recently_proved, staff_required
from app.models import Order
from app.portal import portal
from app.staff.actions.action import Action
from app.staff.actions.carry import carry_out
from app.staff.actions.catalog import BY_KEY
from app.staff.dossier import order_of
from app.staff.permissions import may
from app.web.error_texts import TEXTS

blueprint = Blueprint("staff_actions", __name__, url_prefix="/staff/orders")

AT_ONCE = 100  # orders


@dataclass(frozen=True)
class Result:
    """What came of an action on one of many orders."""

    order_id: str
    done: bool
    text: str


@blueprint.route("/<order_id>/do/<key>", methods=["GET", "POST"])
@staff_required
def act(order_id: str, key: str) -> ResponseReturnValue:
    """Show what an action would do, and do it when the form is sent; a dangerous one asks for the second factor."""
    action = BY_KEY.get(key)
    if action is None or not is_uuid(order_id):
        raise NotFoundError
    if not may(action.permission):
        abort(403)
    shown = recently_proved(STAFF_STEP_UP, "staff.order")(_act) if action.proved else _act
    return shown(order_id=order_id, action=action)


def _act(order_id: str, action: Action) -> ResponseReturnValue:
    if request.method != "POST":
        return _page(order_id, action)
    try:
        told = carry_out(order_id, action, request.form)
    except BadInputError as error:
        return _page(order_id, action, error)
    flash(told, "ok")
    return redirect(url_for("staff.order", order_id=order_id), 303)


def _page(order_id: str, action: Action, error: BadInputError | None = None) -> ResponseReturnValue:
    with portal.database.transaction() as session:
        order = order_of(session, order_id)
        page = render_template(
            "staff/action.html",
            order=order,
            action=action,
            options=_options(session, action, [order]),
            shows=action.shows(session, order) if action.shows else [],
            possible=action.possible(order),
            once=request.form.get("once") or new_id(),
            values=request.form,
            error=error,
        )
    return page, error.status if error else 200


@blueprint.post("/do/<key>")
@staff_required
def act_on_many(key: str) -> ResponseReturnValue:
    """Show what an action would do to the orders that were ticked, and do it when that page's form is sent."""
    action = BY_KEY.get(key)
    if action is None or not action.bulk:
        raise NotFoundError
    if not may(action.permission):
        abort(403)
    shown = recently_proved(STAFF_STEP_UP, "staff.orders")(_act_on_many) if action.proved else _act_on_many
    return shown(action)


def _act_on_many(action: Action) -> ResponseReturnValue:
    ids = list(dict.fromkeys(request.form.getlist("order")))
    if not 0 < len(ids) <= AT_ONCE or not all(map(is_uuid, ids)):
        return _page_of_many([], action, BadInputError(field="order"))
    if "once" not in request.form:
        return _page_of_many(ids, action)
    if action.reason and not request.form.get("reason", "").strip():
        return _page_of_many(ids, action, BadInputError(field="reason"))
    results = [_one_of_many(order_id, action) for order_id in ids]
    return render_template("staff/bulk.html", action=action, results=results)


def _one_of_many(order_id: str, action: Action) -> Result:
    """Carry an action out on one order; what is wrong with one holds up no other."""
    try:
        return Result(order_id, done=True, text=carry_out(order_id, action, request.form))
    except PortalError as error:
        known = getattr(error, "text", "")
        text = known or str(TEXTS.get(error.code, TEXTS["unexpected"])[0])
        return Result(order_id, done=False, text=text)


def _page_of_many(ids: list[str], action: Action, error: BadInputError | None = None) -> ResponseReturnValue:
    with portal.database.transaction() as session:
        orders = session.scalars(select(Order).where(Order.id.in_(ids)).order_by(Order.created_at.desc())).all()
        page = render_template(
            "staff/bulk.html",
            action=action,
            orders=orders,
            at_once=AT_ONCE,
            options=_options(session, action, orders),
            once=request.form.get("once") or new_id(),
            values=request.form,
            error=error,
        )
    return page, error.status if error else 200


def _options(session: Session, action: Action, orders: Sequence[Order]) -> dict[str, list[tuple[str, str]]]:
    """Return what can be chosen, by field: all that one of the orders offers."""
    asks = ((asked.name, asked.options) for asked in action.asks)
    return {
        name: list(dict(pair for order in orders for pair in offered(session, order)).items())
        for name, offered in asks
        if offered is not None
    }
