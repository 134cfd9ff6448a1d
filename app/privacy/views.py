"""What a person may ask about their own data: a copy of it, or its end."""

from datetime import timedelta

from flask import Blueprint, make_response, redirect, render_template, request, stream_with_context, url_for
from flask import session as browser
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from app.errors import BadInputError
from app.kit.addresses import BadAddressError, canonical
from app.kit.ages import BACKUPS
from app.login.people import SESSION_COOKIE, known_person, login_required_here, recently_proved
from app.portal import portal
from app.privacy import wish
from app.privacy.export import export as export_of
from app.recovery import orphans
from app.web.cookies import drop_cookie
from app.web.health import AT_SCRAPE
from app.web.texts import locale

blueprint = Blueprint("privacy", __name__, url_prefix="/account")
AT_SCRAPE.append(orphans.measure)

PROVED = timedelta(minutes=10)  # AC-L24


@blueprint.get("/export")
@login_required_here
def export() -> ResponseReturnValue:
    """Send all that we hold about the address as a zip."""
    response = Response(stream_with_context(export_of(known_person().email)), mimetype="application/zip")
    response.headers["Content-Disposition"] = f"attachment; filename=kaiseki-{portal.clock():%Y%m%d}.zip"
    return response


@blueprint.get("/delete")
@recently_proved(PROVED)
def delete() -> ResponseReturnValue:
    """Say what would go, what has to stay, and what stands in the way."""
    return _page()


@blueprint.post("/delete")
@recently_proved(PROVED, "privacy.delete")
def delete_now() -> ResponseReturnValue:
    """Forget the person who is logged in, once they have typed their address."""
    who = known_person()
    try:
        same = canonical(request.form.get("email", "")) == who.email
    except BadAddressError:
        same = False
    if not same:
        return make_response(_page(wrong=True), BadInputError.status)
    try:
        wish.close_pages(who.email)
        wish.forget(who.email, locale())
    except wish.StandsInTheWayError as error:
        return make_response(_page(), error.status)
    language = browser.get("lang")
    browser.clear()
    if language:
        browser["lang"] = language
    response = redirect(url_for("privacy.deleted"), 303)
    for cookie in (SESSION_COOKIE, "claim"):
        drop_cookie(response, cookie)
    return response


@blueprint.get("/deleted")
def deleted() -> ResponseReturnValue:
    """Say that it is done, to somebody who is nobody here any more."""
    return render_template("privacy/deleted.html", backups_days=BACKUPS.days)


def _page(*, wrong: bool = False) -> str:
    who = known_person()
    with portal.database.transaction() as session:
        orders = wish.orders_of(session, who.email)
    blocked = [(order, wish.OBSTACLES[why]) for order in orders if (why := wish.obstacle(order))]
    return render_template(
        "privacy/delete.html", who=who, orders=orders, blocked=blocked, wrong=wrong, backups_days=BACKUPS.days
    )
