"""Carrying out an action on one order, as a form says: once, in one transaction with the audit and the staff log."""

from collections.abc import Mapping

from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import BadInputError
from app.kit.ids import is_uuid
from app.login.people import known_person
from app.models import AuditEntry, Order
from app.orders.lifecycle import record
from app.portal import portal
from app.staff.actions.action import Action, CantDoError, Deed
from app.staff.dossier import order_of
from app.staff.log import write

LONGEST_REASON = 500  # characters
COLUMNS = [column.key for column in Order.__mapper__.column_attrs]

Form = Mapping[str, str]


def carry_out(order_id: str, action: Action, form: Form) -> str:
    """Do an action as a form says; returns what came of it. Raises NotFoundError, BadInputError, CantDoError.

    A form that was carried out before changes nothing: each has its own `once`, which stands in the order's audit.
    """
    if action.prepare is not None:
        with portal.database.transaction() as session:
            order = order_of(session, order_id)
            ready = not _done(session, order, form) and bool(_deed(session, order, action, form))
        if ready:
            action.prepare(order)
    with portal.database.transaction() as session:
        order = order_of(session, order_id)
        action.locks(session, order)
        session.expire_all()
        order = order_of(session, order_id)  # as it is now that nobody else changes it
        if _done(session, order, form):
            return str(gettext("This is done already."))
        deed = _deed(session, order, action, form)
        before = _columns(session, order)
        told = action.do(session, deed)
        why = {"reason": deed.reason} if deed.reason else {}
        record(
            session,
            order.id,
            f"staff.{action.key}",
            deed.actor,
            portal.clock(),
            **{**deed.noted, **why, "once": deed.once},
        )
        write(
            session,
            f"order.{action.key}",
            f"order:{order.id}",
            reason=deed.reason or None,
            before=before,
            after=_columns(session, order),
            **_harmless(action, deed),
        )
    return told


def _done(session: Session, order: Order, form: Form) -> bool:
    """Tell whether the same form was carried out before."""
    once = form.get("once", "")
    if not is_uuid(once):
        raise BadInputError(field="once")
    entries = session.scalars(
        select(AuditEntry).where(AuditEntry.order_id == order.id, AuditEntry.kind.startswith("staff."))
    )
    return any(entry.data.get("once") == once for entry in entries)


def _deed(session: Session, order: Order, action: Action, form: Form) -> Deed:
    reason = form.get("reason", "").strip() if action.reason else ""
    if (action.reason and not reason) or len(reason) > LONGEST_REASON:
        raise BadInputError(field="reason")
    values = _values(session, order, action, form)
    if not action.possible(order):
        raise CantDoError
    return Deed(order, f"staff:{known_person().email}", form["once"], reason, values)


def _values(session: Session, order: Order, action: Action, form: Form) -> dict[str, str]:
    values = {asked.name: form.get(asked.name, "").strip() for asked in action.asks}
    for asked in action.asks:
        if not values[asked.name]:
            raise BadInputError(field=asked.name)
        if asked.options is not None and values[asked.name] not in dict(asked.options(session, order)):
            raise CantDoError(gettext("This order does not have what was chosen."), field=asked.name)
    return values


def _columns(session: Session, order: Order) -> dict[str, object]:
    """Return the order's row as it is in the database now."""
    session.flush()
    session.expire(order, COLUMNS)
    return {name: getattr(order, name) for name in COLUMNS}


def _harmless(action: Action, deed: Deed) -> dict[str, str]:
    """Return what the staff log may keep for ever: choices and amounts, no text that somebody typed."""
    return {a.name: deed.values[a.name] for a in action.asks if a.options is not None or a.kind in {"number", "date"}}
