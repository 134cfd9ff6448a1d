"""The refunds that staff asked for of one order, and the decision of the second person (AC-S03)."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from app.checkout.staff_refunds import CantRefundError, agree, decline, requests_of
from app.errors import BadInputError
from app.login.people import known_person
from app.orders.lifecycle import lock
from app.portal import portal
from app.staff import words
from app.staff.dossier import order_of
from app.staff.log import write
from app.staff.permissions import permitted
from app.staff.refunds.words import on_its_way, told, way

blueprint = Blueprint("staff_refunds", __name__, url_prefix="/staff/orders/<order_id>/refunds")

LONGEST_REASON = 500  # characters


@blueprint.get("")
@permitted("orders.see")
def show(order_id: str) -> ResponseReturnValue:
    """Show all that was asked for; what waits can be decided here."""
    return _page(order_id)


@blueprint.post("")
@permitted("orders.money", proved=True, page="staff_refunds.show")
def decide(order_id: str) -> ResponseReturnValue:
    """Agree to a refund that waits, or decline it."""
    try:
        flash(_decide(order_id), "ok")
    except CantRefundError as error:
        return _page(order_id, told(error)), error.status
    except BadInputError as error:
        return _page(order_id, gettext("Please say why."), error.field or ""), error.status
    return redirect(url_for("staff_refunds.show", order_id=order_id), 303)


def _decide(order_id: str) -> str:
    verdict, reason = request.form.get("verdict", ""), request.form.get("reason", "").strip()
    known = {"agree": agree, "decline": decline}.get(verdict)
    if known is None or (verdict == "decline" and not reason) or len(reason) > LONGEST_REASON:
        raise BadInputError(field="reason")
    who = known_person().email
    with portal.database.transaction() as session:
        lock(session, order_of(session, order_id).id)
        session.expire_all()
        asked = {wish.id: (wish, payment) for wish, payment in requests_of(session, order_id)}
        if request.form.get("request") not in asked:
            raise CantRefundError("decided")
        wish, payment = asked[request.form["request"]]
        before = wish.state
        known(session, payment, wish, who)
        write(
            session,
            f"refund.{verdict}",
            f"order:{order_id}",
            reason=reason or None,
            before=before,
            after=wish.state,
            request=wish.id,
            amount=wish.amount,
        )
    if verdict == "agree":
        return on_its_way(wish.amount, payment.method)
    return str(gettext("The refund is declined."))


def _page(order_id: str, error: str = "", field: str = "") -> str:
    with portal.database.transaction() as session:
        order = order_of(session, order_id)
        asked = requests_of(session, order_id)
    return render_template(
        "staff/refunds.html",
        order=order,
        asked=asked,
        waiting=next(((wish, payment) for wish, payment in asked if wish.state == "waiting"), None),
        own=known_person().email,
        way=way,
        words=words,
        methods=words.methods(),
        reason=request.form.get("reason", ""),
        error=error,
        field=field,
    )
