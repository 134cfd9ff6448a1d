"""The two pages that change the address of whoever is logged in."""

from datetime import timedelta

from flask import Blueprint, current_app, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.errors import BadInputError
from app.kit.addresses import BadAddressError, canonical
from app.login import address_change
from app.login.browser import asker, give, log_in
from app.login.people import known_person, login_required_here, recently_proved
from app.portal import portal
from app.web.texts import locale

blueprint = Blueprint("address", __name__)

PROVED_WITHIN = timedelta(minutes=10)


@blueprint.route("/account/email", methods=["GET", "POST"])
@login_required_here
@recently_proved(PROVED_WITHIN)
def change() -> ResponseReturnValue:
    """Ask for the new address, and mail a code to it."""
    who, typed = known_person(), request.form.get("email", "")
    if request.method != "POST":
        with portal.database.transaction() as session:
            staff = address_change.is_staff(session, who.email)
        return render_template("login/change_address.html", who=who, staff=staff)
    try:
        email = canonical(typed)
    except BadAddressError:
        email = ""
    if email in {"", who.email}:
        page = render_template(
            "login/change_address.html", who=who, email=typed[:254], wrong="same" if email else "bad"
        )
        return make_response(page, BadInputError.status)
    with portal.database.transaction() as session:
        limit_network = current_app.config["RATELIMIT_ENABLED"]
        address_change.ask(session, who, email, asker(), portal.clock(), limit_network=limit_network)
    return redirect(url_for("login.address.code"), 303)


@blueprint.route("/account/email/code", methods=["GET", "POST"])
@login_required_here
def code() -> ResponseReturnValue:
    """Take the code from the mail to the new address; from then on the orders are that address's."""
    who, now = known_person(), portal.clock()
    wrong = request.method == "POST"
    if wrong:
        try:
            with portal.database.transaction() as session:
                email = address_change.confirm(session, who, request.form.get("code", ""), locale(), now)
                cookies = log_in(session, email, now)[1] if email else None
        except address_change.SessionOverError:
            return redirect(url_for("login.account"), 303)
        if cookies:
            return give(redirect(url_for("login.account", changed=1), 303), cookies)
    with portal.database.transaction() as session:
        waiting = address_change.waiting_for(session, who, now)
    page = render_template("login/change_code.html", new_email=waiting.new_email if waiting else "", wrong=wrong)
    return make_response(page, BadInputError.status if wrong else 200)
