"""The order's page, and the part of it that renews itself while something is going on."""

import hashlib
from dataclasses import replace

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from app.kit.konbini import stores_of
from app.models import Order
from app.orders.access import LoginNeededError, order_for_viewer
from app.orders.keeping import kept_longer
from app.orders.notes import notes
from app.orders.situation import Situation, situation
from app.orders.timeline import timeline
from app.portal import portal
from app.web.errors import show_error, wants_json
from app.web.texts import locale

blueprint = Blueprint("orders", __name__)


@blueprint.get("/orders/<order_id>")
def show(order_id: str) -> str:
    """Show the whole page."""
    order = _load(order_id)
    now = situation(order)
    if now.key == "waiting" and "sent" in request.args:
        now = replace(now, key="sent")  # back from the upload form that works without JavaScript
    return render_template("orders/show.html", order=order, now=now, status=_status(order, now))


@blueprint.get("/orders/<order_id>/status")
def status(order_id: str) -> Response | str:
    """Answer with the part that changes, or 204 when the page already shows it (`v` is what it shows)."""
    order = _load(order_id)
    part = _status(order, situation(order))
    if request.args.get("v") == _mark(order):
        return Response(status=204)
    return part


@blueprint.app_errorhandler(LoginNeededError)
def log_in_first(error: LoginNeededError) -> ResponseReturnValue:
    """Lead the browser that made an order to the login, and from there to the order; whatever page it asked for."""
    there = url_for("login.ask", next="orders.show", order=error.order_id)
    if wants_json():
        return show_error(error.status, error.code)
    if request.headers.get("HX-Request"):  # an open page asks for its changing part: leave the page
        return "", 200, {"HX-Redirect": there}
    return redirect(there, 303)


def _load(order_id: str) -> Order:
    with portal.database.transaction() as session:
        return order_for_viewer(session, order_id)


def _status(order: Order, now: Situation) -> str:
    return render_template(
        "orders/_status.html",
        order=order,
        now=now,
        product=portal.catalog.product(order.product),
        steps=timeline(order),
        notes=notes(order),
        offers=[offer for offer in portal.catalog.offers(order.price) if offer.available],
        stores=stores_of(now.payment.voucher if now.payment else None, locale()),
        keep_until=kept_longer(order),
        mark=_mark(order),
    )


def _mark(order: Order) -> str:
    """Return a short mark of all that the changing part shows."""
    payments = [
        (p.state, p.amount_refunded, p.anomaly, p.dispute, [(r.id, r.state) for r in p.refunds]) for p in order.payments
    ]
    gone = (order.input_gone_at, order.result_gone_at, order.kept_until, order.downloads_closed_at)
    shown = (order.state, order.money, order.scan, order.progress, payments, gone)
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]
