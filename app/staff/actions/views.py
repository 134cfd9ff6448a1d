"""The confirm page of an action on an order, and its carrying out."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import BadInputError, NotFoundError
from app.kit.ids import is_uuid, new_id
from app.login.people import STAFF_STEP_UP, known_person, recently_proved, staff_required
from app.models import AuditEntry, Order
from app.orders.lifecycle import lock, record
from app.portal import portal
from app.staff.actions.action import Action, CantDoError, Deed
from app.staff.actions.catalog import BY_KEY
from app.staff.log import write
from app.staff.permissions import may

blueprint = Blueprint("staff_actions", __name__, url_prefix="/staff/orders")

LONGEST_REASON = 500  # characters


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
    return shown(order_id, action)


def _act(order_id: str, action: Action) -> ResponseReturnValue:
    if request.method != "POST":
        return _page(order_id, action)
    try:
        told = carry_out(order_id, action)
    except BadInputError as error:
        return _page(order_id, action, error)
    flash(told, "ok")
    return redirect(url_for("staff.order", order_id=order_id), 303)


def carry_out(order_id: str, action: Action) -> str:
    """Do an action as the form that was sent says; returns what came of it. Raises NotFoundError, BadInputError."""
    actor = f"staff:{known_person().email}"
    reason = request.form.get("reason", "").strip()
    if (action.reason and not reason) or len(reason) > LONGEST_REASON:
        raise BadInputError(field="reason")
    with portal.database.transaction() as session:
        order = _known(session, order_id)
        order = lock(session, order.id)
        once = _once()
        if _done(session, order, once):
            return str(gettext("This is done already."))
        deed = Deed(order, actor, once, reason, _values(session, order, action))
        if not action.possible(order):
            raise CantDoError
        told = action.do(session, deed)
        why = {"reason": reason} if reason else {}
        record(session, order.id, f"staff.{action.key}", actor, portal.clock(), once=once, **why)
        write(session, f"order.{action.key}", f"order:{order.id}", reason=reason or None, **_harmless(action, deed))
    return told


def _known(session: Session, order_id: str) -> Order:
    order = session.get(Order, order_id)
    if order is None:
        raise NotFoundError
    return order


def _done(session: Session, order: Order, once: str) -> bool:
    """Tell whether the same form was carried out before; the order's row is locked."""
    entries = session.scalars(
        select(AuditEntry).where(AuditEntry.order_id == order.id, AuditEntry.kind.startswith("staff."))
    )
    return any(entry.data.get("once") == once for entry in entries)


def _once() -> str:
    once = request.form.get("once", "")
    if not is_uuid(once):
        raise BadInputError(field="once")
    return once


def _values(session: Session, order: Order, action: Action) -> dict[str, str]:
    values = {asked.name: request.form.get(asked.name, "").strip() for asked in action.asks}
    for asked in action.asks:
        known = None if asked.options is None else {value for value, _ in asked.options(session, order)}
        if not values[asked.name] or (known is not None and values[asked.name] not in known):
            raise BadInputError(field=asked.name)
    return values


def _harmless(action: Action, deed: Deed) -> dict[str, str]:
    """Return what the staff log may keep for ever: choices and amounts, no text that somebody typed."""
    return {a.name: deed.values[a.name] for a in action.asks if a.options is not None or a.kind == "number"}


def _page(order_id: str, action: Action, error: BadInputError | None = None) -> ResponseReturnValue:
    with portal.database.transaction() as session:
        order = _known(session, order_id)
        options = {asked.name: asked.options(session, order) for asked in action.asks if asked.options is not None}
    page = render_template(
        "staff/action.html",
        order=order,
        action=action,
        options=options,
        possible=action.possible(order),
        once=request.form.get("once") or new_id(),
        values=request.form,
        error=error,
    )
    return page, error.status if error else 200
