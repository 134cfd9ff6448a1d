"""The viewer of the staff log, for administrators."""

from dataclasses import asdict, fields

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.errors import BadInputError
from app.kit.ids import is_uuid
from app.portal import portal
from app.staff.details import told
from app.staff.log.check import standing
from app.staff.log.reading import Asked, page_of
from app.staff.log.words import DEEDS
from app.staff.people.words import ROLES
from app.staff.permissions import permitted

blueprint = Blueprint("staff_log", __name__, url_prefix="/staff/log")

LONGEST = 254  # characters of a filter
MOST_DIGITS = 18  # of a number that every database can hold


@blueprint.get("")
@permitted("log.see")
def index() -> ResponseReturnValue:
    """Show what staff did and looked at, newest first, and whether the chain is whole."""
    asked, before = _asked(), _before()
    with portal.database.transaction() as session:
        page, chain = page_of(session, asked, before), standing(session)
    kept = {name: value for name, value in asdict(asked).items() if value}
    return render_template(
        "staff/log.html",
        page=page,
        chain=chain,
        asked=asked,
        deeds=DEEDS,
        roles=ROLES,
        told=told,
        newest=url_for("staff_log.index", **kept) if before else "",
        older=url_for("staff_log.index", **kept, before=page.older) if page.older else "",
    )


def _asked() -> Asked:
    """Read the filters; a bare OrderID stands for that order."""
    values = {field.name: request.args.get(field.name, "").strip() for field in fields(Asked)}
    for name, value in values.items():
        if len(value) > LONGEST or "\0" in value:
            raise BadInputError(field=name)
    if is_uuid(values["object"]):
        values["object"] = f"order:{values['object']}"
    return Asked(**values)


def _before() -> int | None:
    typed = request.args.get("before", "")
    if typed and not (typed.isascii() and typed.isdecimal() and len(typed) <= MOST_DIGITS):
        raise BadInputError(field="before")
    return int(typed) if typed else None
