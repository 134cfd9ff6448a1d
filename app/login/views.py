"""Logging in by mail: ask, link, code, log out, account."""

import hmac

from flask import Blueprint, current_app, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.errors import BadInputError
from app.kit.addresses import BadAddressError, canonical, masked
from app.kit.devices import device_name
from app.kit.ids import digest
from app.login import address_views, service
from app.login.browser import NONCE_COOKIE, asker, end_here, give, log_in
from app.login.destinations import destination
from app.login.people import SESSION_COOKIE, forget_browser, known_person, login_required_here, person
from app.login.sessions import end_all_sessions, end_session, live_sessions
from app.models import LoginRequest
from app.portal import portal
from app.web.cookies import drop_cookie, read_cookie, set_cookie

blueprint = Blueprint("login", __name__)
blueprint.register_blueprint(address_views.blueprint)


@blueprint.route("/login", methods=["GET", "POST"])
def ask() -> ResponseReturnValue:
    """Take an address and lead to the page that says "look into your mail", whosever it is (AC-L07)."""
    target = destination(request.values.get("next"), request.values.get("order"))
    if request.method != "POST":
        who = person()
        again = "again" in request.args  # `recently_proved` leads here: this person, but too long ago
        if who is not None and not again:
            return redirect(target.address(who.kind))
        return render_template("login/ask.html", target=target, email=who.email if who else "", again=again)
    typed = request.form.get("email", "")
    try:
        email = canonical(typed)
    except BadAddressError:
        page = render_template("login/ask.html", target=target, email=typed[:254], wrong=True)
        return make_response(page, BadInputError.status)
    # A browser that asks again keeps its nonce, so the code of the mail before goes on working in it.
    here = asker(read_cookie(NONCE_COOKIE))
    with portal.database.transaction() as session:
        service.ask(
            session,
            email,
            here,
            target,
            portal.clock(),
            limit_network=current_app.config["RATELIMIT_ENABLED"],
        )
    response = redirect(url_for("login.code"), 303)
    set_cookie(response, NONCE_COOKIE, here.nonce, max_age=int(service.LIFE.total_seconds()))
    return response


@blueprint.route("/login/<token>", methods=["GET", "POST"])
def link(token: str) -> ResponseReturnValue:
    """Show one button; only pressing it uses the link up: mail scanners open links, they don't press."""
    now = portal.clock()
    with portal.database.transaction() as session:
        if request.method == "POST":
            used = service.use_link(session, token, now)
            if used is not None:
                return _enter(session, used)
        found = service.request_of_link(session, token, now)
    if found is None:
        return make_response(render_template("login/expired.html"), 410)
    here = hmac.compare_digest(digest(read_cookie(NONCE_COOKIE) or ""), found.nonce_hash)
    return render_template("login/link.html", token=token, account=masked(found.email), here=here)


@blueprint.route("/login/code", methods=["GET", "POST"])
def code() -> ResponseReturnValue:
    """Ask for the code of the mail; it works only in the browser that asked for it (AC-L06)."""
    if request.method != "POST":
        return render_template("login/code.html")
    nonce = read_cookie(NONCE_COOKIE)
    if nonce:
        with portal.database.transaction() as session:
            used = service.use_code(session, request.form.get("code", ""), nonce, portal.clock())
            if used is not None:
                return _enter(session, used)
    return make_response(render_template("login/code.html", wrong=True), BadInputError.status)


@blueprint.post("/logout")
def logout() -> ResponseReturnValue:
    """End this browser's session on the server, so that a copied cookie is worth nothing (AC-L13)."""
    with portal.database.transaction() as session:
        end_here(session)
    return _leave(url_for("intake.index"))


@blueprint.get("/account")
@login_required_here
def account() -> ResponseReturnValue:
    """Show the address and every browser that is logged in with it."""
    who = known_person()
    with portal.database.transaction() as session:
        rows = live_sessions(session, who.email, portal.clock())
    return render_template("login/account.html", who=who, rows=rows, device_name=device_name)


@blueprint.post("/account/sessions/end")
@login_required_here
def end_one() -> ResponseReturnValue:
    """End the session that the form names, if it belongs to this address."""
    who = known_person()
    chosen = request.form.get("session", "")
    with portal.database.transaction() as session:
        end_session(session, who.email, chosen, portal.clock())
    return _leave(url_for("login.ask")) if chosen == who.session_id else redirect(url_for("login.account"), 303)


@blueprint.post("/account/sessions/end-all")
@login_required_here
def end_all() -> ResponseReturnValue:
    """End every session of this address, this one included."""
    who = known_person()
    with portal.database.transaction() as session:
        end_all_sessions(session, who.email, portal.clock())
    return _leave(url_for("login.ask"))


def _enter(session: Session, used: LoginRequest) -> Response:
    row, cookies = log_in(session, used.email, portal.clock())
    target = destination(used.next_endpoint, used.next_order)
    return give(redirect(target.address(row.kind), 303), cookies)


def _leave(address: str) -> Response:
    forget_browser()
    response = redirect(address, 303)
    drop_cookie(response, SESSION_COOKIE)
    return response
