"""The way into the back office: the second factor after the mailed link, and what staff do with it later."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.errors import BadInputError, NotFoundError, TooManyError
from app.login.destinations import Destination, destination
from app.login.people import (
    SESSION_COOKIE,
    STAFF_STEP_UP,
    Person,
    forget_browser,
    known_person,
    recently_proved,
    staff_required,
)
from app.login.sessions import LIVES, end_all_sessions, exchange_session
from app.portal import portal
from app.staff_login import service
from app.staff_login.recovery_codes import codes_left
from app.staff_login.totp import qr_code
from app.web.cookies import set_cookie

blueprint = Blueprint("staff_login", __name__, url_prefix="/staff/login")

STATUS = {"wrong": BadInputError.status, "wait": TooManyError.status}

P = ParamSpec("P")


class _SessionGoneError(Exception):
    """The session was ended while its second factor was given: nothing of that may stay."""


def _members_only(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """Show the page to members of staff, with or without the second factor; for others it does not exist."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        who = known_person()
        if who.kind != "staff" and not who.second_factor_wanted:
            raise NotFoundError
        try:
            return view(*args, **kwargs)
        except _SessionGoneError:
            return redirect(url_for("login.ask"), 303)

    return guarded


@blueprint.route("/code", methods=["GET", "POST"])
@_members_only
def code() -> ResponseReturnValue:
    """Ask for a code of the phone, or for a recovery code; who has no second factor yet sets one up."""
    who, target = known_person(), _target()
    with portal.database.transaction() as session:
        enrolled = service.has_factor(session, who.email)
    if not enrolled:
        return redirect(_to("enrol", target), 303)
    if request.method != "POST":
        if who.kind == "staff" and "again" not in request.args:
            return redirect(target.address("staff"))
        return _code_page(who, target)
    with portal.database.transaction() as session:
        outcome = service.give_factor(session, who.email, request.form.get("code", ""), portal.clock())
        secret = _exchanged(session, who) if outcome == "proved" else ""
    if not secret:
        return _code_page(who, target, outcome)
    forget_browser()
    return _let_in(redirect(target.address("staff"), 303), secret)


@blueprint.route("/enrol", methods=["GET", "POST"])
@_members_only
def enrol() -> ResponseReturnValue:
    """Set up the first phone; the recovery codes are shown with the answer, and never again."""
    who, target = known_person(), _target()
    with portal.database.transaction() as session:
        enrolled = service.has_factor(session, who.email)
    if enrolled:
        return redirect(_to("code", target), 303)
    if request.method != "POST":
        return _set_up_page(who, target)
    confirmed = _confirmed(who)
    if confirmed is None:
        return _set_up_page(who, target, wrong=True)
    with portal.database.transaction() as session:
        codes = service.set_up_first(session, who.email, *confirmed)
        secret = _exchanged(session, who) if codes else ""
    if codes is None:
        return redirect(_to("code", target), 303)
    forget_browser()
    return _let_in(_codes_page(codes, target), secret)


@blueprint.get("/factor")
@staff_required
def factor() -> ResponseReturnValue:
    """Show what there is of the second factor, and the ways to change it."""
    with portal.database.transaction() as session:
        left = codes_left(session).get(known_person().email, 0)
    return render_template("staff_login/factor.html", left=left)


@blueprint.route("/phone", methods=["GET", "POST"])
@_members_only
@staff_required
@recently_proved(STAFF_STEP_UP)
def phone() -> ResponseReturnValue:
    """Put a new phone in the place of the one before; every other login of this address ends (ASVS 7.4.3)."""
    who, target = known_person(), Destination("staff_login.factor")
    if request.method != "POST":
        return _set_up_page(who, target)
    confirmed = _confirmed(who)
    if confirmed is None:
        return _set_up_page(who, target, wrong=True)
    with portal.database.transaction() as session:
        if not service.change_phone(session, who.email, *confirmed):
            raise _SessionGoneError
        secret = _exchanged(session, who)
        ended = end_all_sessions(session, who.email, portal.clock(), but=secret)
    forget_browser()
    flash(gettext("The new phone is set up. Other logins that were ended: %(count)s.", count=ended), "ok")
    return _let_in(redirect(target.address("staff"), 303), secret)


@blueprint.route("/recovery-codes", methods=["GET", "POST"])
@staff_required
@recently_proved(STAFF_STEP_UP)
def new_codes() -> ResponseReturnValue:
    """Make ten new recovery codes and show them once; the old ones end."""
    who, target = known_person(), Destination("staff_login.factor")
    if request.method != "POST":
        return render_template("staff_login/new_codes.html")
    with portal.database.transaction() as session:
        codes = service.new_recovery_codes(session, who.email)
    return _codes_page(codes, target)


def _target() -> Destination:
    return destination(request.values.get("next"), request.values.get("order"))


def _to(page: str, target: Destination) -> str:
    return url_for(f"staff_login.{page}", next=target.endpoint, order=target.order_id)


def _code_page(who: Person, target: Destination, outcome: service.Outcome | None = None) -> Response:
    now = portal.clock()
    with portal.database.transaction() as session:
        end = service.wait_until(session, who.email, now)
    page = render_template(
        "staff_login/code.html", target=target, again=who.kind == "staff", wrong=outcome == "wrong", wait_until=end
    )
    response = make_response(page, STATUS.get(outcome or "", 200))
    if outcome == "wait" and end is not None:
        response.headers["Retry-After"] = str(int((end - now).total_seconds()) + 1)
    return response


def _set_up_page(who: Person, target: Destination, *, wrong: bool = False) -> Response:
    """Show a secret to scan: after a mistake the same one again, while its ticket is good."""
    ticket = request.form.get("ticket", "")
    secret = service.secret_of_ticket(who.session_id, ticket)
    if secret is None:
        secret, ticket = service.begin_set_up(who.session_id)
    page = render_template(
        "staff_login/set_up.html",
        target=target,
        first=who.kind != "staff",
        email=who.email,
        qr=qr_code(secret, who.email, portal.catalog.portal.name("en")),
        secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        ticket=ticket,
        wrong=wrong,
    )
    return make_response(page, BadInputError.status if wrong else 200)


def _confirmed(who: Person) -> tuple[str, int] | None:
    """Return the secret of the form's ticket and the time step of the code that confirms it, or None."""
    secret = service.secret_of_ticket(who.session_id, request.form.get("ticket", ""))
    step = service.confirmed_step(secret, request.form.get("code", "")) if secret else None
    return (secret, step) if secret and step else None


def _codes_page(codes: list[str], target: Destination) -> Response:
    return make_response(render_template("staff_login/codes.html", codes=codes, next_url=target.address("staff")))


def _exchanged(session: Session, who: Person) -> str:
    """Exchange the secret of this session; raises where it was ended meanwhile, so that all is rolled back."""
    secret = exchange_session(session, who.session_id, portal.clock())
    if secret is None:
        raise _SessionGoneError
    return secret


def _let_in(response: ResponseReturnValue, secret: str) -> Response:
    answer = make_response(response)
    set_cookie(answer, SESSION_COOKIE, secret, max_age=int(LIVES["staff"].absolute.total_seconds()))
    return answer
