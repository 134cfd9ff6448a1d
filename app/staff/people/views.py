"""The people of the back office: who they are, what they may do, where they are logged in; for administrators."""

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from app.errors import BadInputError, ConflictError, PortalError
from app.kit.addresses import MAX_LENGTH, BadAddressError, canonical
from app.kit.devices import device_name
from app.login.people import STAFF_STEP_UP, known_person
from app.portal import portal
from app.staff.people import members, words
from app.staff.permissions import MATRIX, ROLES, permitted
from app.staff_login.recovery_codes import codes_left
from app.web.texts import LOCALES

blueprint = Blueprint("staff_people", __name__, url_prefix="/staff/people")

_changes = permitted("people.change", proved=True, page="staff_people.index")
Deed = Callable[[Session], str]


@blueprint.get("")
@permitted("people.see")
def index() -> ResponseReturnValue:
    """Show every member; the forms are there within five minutes of the second factor."""
    return _page()


@blueprint.post("/invite")
@_changes
def invite() -> ResponseReturnValue:
    """Make an address a member and mail it how to begin."""

    def deed(session: Session) -> str:
        email, role, language = _address(), _choice("role", ROLES), _choice("language", LOCALES)
        members.invite(session, email, role, known_person().email, language, portal.clock())
        return str(gettext("The invitation is on its way to %(email)s.", email=email))

    return _done(deed)


@blueprint.post("/role")
@_changes
def role() -> ResponseReturnValue:
    """Give a member another role, at once."""

    def deed(session: Session) -> str:
        email, chosen = request.form.get("email", ""), _choice("role", ROLES)
        members.change_role(session, email, chosen, portal.clock())
        return str(gettext("%(email)s has another role now: %(role)s.", email=email, role=words.ROLES[chosen]))

    return _done(deed)


@blueprint.post("/disable")
@_changes
def disable() -> ResponseReturnValue:
    """Put a member out at once (AC-S08)."""

    def deed(session: Session) -> str:
        email = request.form.get("email", "")
        ended = members.put_out(session, email, portal.clock())
        return str(gettext("%(email)s is out. Logins that were ended: %(count)s.", email=email, count=ended))

    return _done(deed)


@blueprint.post("/enable")
@_changes
def enable() -> ResponseReturnValue:
    """Let a disabled member in again."""

    def deed(session: Session) -> str:
        email = request.form.get("email", "")
        members.enable(session, email)
        return str(gettext("%(email)s can log in to the back office again.", email=email))

    return _done(deed)


@blueprint.post("/sessions/end")
@_changes
def end_sessions() -> ResponseReturnValue:
    """End one login of a member, or all of them where the form names none."""

    def deed(session: Session) -> str:
        email, chosen = request.form.get("email", ""), request.form.get("session", "")
        ended = members.end_logins(session, email, chosen, portal.clock())
        return str(gettext("Logins that were ended: %(count)s.", count=ended))

    return _done(deed)


def _done(deed: Deed) -> ResponseReturnValue:
    """Do it, and say on the list what came of it; what can't be done is said there too."""
    try:
        with portal.database.transaction() as session:
            told = deed(session)
    except (BadInputError, ConflictError) as error:
        return _page(error)
    flash(told, "ok")
    return redirect(url_for("staff_people.index"), 303)


def _page(problem: PortalError | None = None) -> ResponseReturnValue:
    who, now, piece = known_person(), portal.clock(), _piece()
    with portal.database.transaction() as session:
        shown, count = members.found_staff(session, piece)
        logins, left = members.logins(session, now), codes_left(session)
    page = render_template(
        "staff/people.html",
        who=who,
        members=shown,
        count=count,
        piece=piece,
        logins=logins,
        left=left,
        fresh=now - who.proved_at <= STAFF_STEP_UP,
        roles=words.ROLES,
        matrix=MATRIX,
        permissions=words.PERMISSIONS,
        problem=words.PROBLEMS[problem.code] if problem else None,
        field=problem.field if problem else None,
        typed=request.form,
        device_name=device_name,
    )
    return page, problem.status if problem else 200


def _piece() -> str:
    """Return the piece of an address that is looked for; raises BadInputError."""
    typed = request.args.get("q", "").strip().lower()
    if len(typed) > MAX_LENGTH or not typed.isprintable():
        raise BadInputError(field="q")
    return typed


def _address() -> str:
    try:
        return canonical(request.form.get("email", ""))
    except BadAddressError:
        raise BadInputError(field="email") from None


def _choice(name: str, known: tuple[str, ...]) -> str:
    value = request.form.get(name, "")
    if value not in known:
        raise BadInputError(field=name)
    return value
