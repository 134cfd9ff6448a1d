"""The back office: the list of orders, one order with all that happened to it, what does not fit.

It reads only, but for ending a customer's logins.
"""

from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from app.login.people import known_person
from app.login.sessions import live_sessions
from app.portal import portal
from app.recovery.report import open_findings
from app.staff import words
from app.staff.actions.catalog import ACTIONS
from app.staff.dossier import order_of
from app.staff.event_views import event, events, replay_event
from app.staff.findings import FINDINGS
from app.staff.listing.asked import read
from app.staff.listing.pages import page_of
from app.staff.listing.saved import views_of
from app.staff.listing.sorts import SORTS
from app.staff.log import write
from app.staff.order.page import order_page
from app.staff.permissions import may, permitted
from app.staff.service import end_customers_sessions

blueprint = Blueprint("staff", __name__, url_prefix="/staff")
blueprint.add_url_rule("/events", view_func=events)
blueprint.add_url_rule("/events/<event_id>", view_func=event)
blueprint.add_url_rule("/events/<event_id>/replay", "replay", replay_event, methods=["POST"])


@blueprint.app_context_processor
def for_the_navigation() -> dict[str, Any]:
    """Give the pages of the back office `staff_may(permission)`, and which pages there are."""
    return {"staff_may": may, "staff_pages": current_app.view_functions}


@blueprint.get("")
@permitted("orders.see")
def index() -> ResponseReturnValue:
    """Go to the orders, the first page of the back office."""
    return redirect(url_for("staff.orders"))


@blueprint.get("/orders")
@permitted("orders.see")
def orders() -> ResponseReturnValue:
    """Show the orders as the address asks for them."""
    asked = read(request.args)
    with portal.database.transaction() as session:
        page = page_of(session, asked)
        kept_views = views_of(session, known_person().email)
    kept: dict[str, Any] = dict(asked.kept)
    return render_template(
        "staff/orders.html",
        page=page,
        asked=asked,
        kept_views=kept_views,
        bulk=[action for action in ACTIONS if action.bulk and may(action.permission)],
        sorts=[(key, sort.title) for key, sort in SORTS.items()],
        words=words,
        products=words.products(),
        methods=words.methods(),
        newer=url_for("staff.orders", **kept, before=page.newer) if page.newer else "",
        older=url_for("staff.orders", **kept, after=page.older) if page.older else "",
    )


@blueprint.get("/orders/<order_id>")
@permitted("orders.see")
def order(order_id: str) -> ResponseReturnValue:
    """Show all that is known of one order."""
    return order_page(order_id)


@blueprint.route("/orders/<order_id>/end-sessions", methods=["GET", "POST"])
@permitted("customers.end_sessions", proved=True)
def end_sessions(order_id: str) -> ResponseReturnValue:
    """End every login of the order's address, when a customer says that somebody else is in (AC-L14, ASVS 7.4.5)."""
    who = known_person()
    with portal.database.transaction() as session:
        order = order_of(session, order_id)
        if request.method != "POST":
            live = live_sessions(session, order.email, portal.clock())
            return render_template("staff/end_sessions.html", order=order, count=len(live))
        ended = end_customers_sessions(session, order, who.email, portal.clock())
        write(session, "order.end_sessions", f"order:{order.id}", sessions=ended)
    flash(gettext("Logins that were ended: %(count)s.", count=ended), "ok")
    return redirect(url_for("staff.order", order_id=order_id), 303)


@blueprint.get("/findings")
@permitted("orders.see")
def findings() -> ResponseReturnValue:
    """Show what the comparison of Stripe, ledger and object store found and could not mend."""
    with portal.database.transaction() as session:
        found = open_findings(session)
    return render_template("staff/findings.html", findings=found, means=FINDINGS)
