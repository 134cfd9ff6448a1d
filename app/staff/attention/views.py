"""The inbox of what needs attention: looked at by all staff, worked on by those who may."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from app.errors import BadInputError, NotFoundError
from app.login.people import known_person
from app.models import Order, Payment
from app.portal import portal
from app.staff.actions.catalog import BY_KEY
from app.staff.attention import desk
from app.staff.attention.dead_jobs import dead_job, run_again
from app.staff.attention.kinds import EVENT, FINDING, JOB, KINDS, REFUSED, SECOND_PERSON, kind_of
from app.staff.attention.service import MOST, closed, inbox, thing_of
from app.staff.attention.thing import Asked, Thing
from app.staff.permissions import may, permitted

blueprint = Blueprint("staff_attention", __name__, url_prefix="/staff/attention")

LONGEST_REASON = 500  # characters
LONGEST_SUBJECT = 200
WHOSE = ("", "free", "mine")


@dataclass(frozen=True)
class Shown:
    """A thing with its order, where there is one, and the actions beside it: title and address."""

    thing: Thing
    order: Order | None
    actions: list[tuple[str, str]]


@dataclass(frozen=True)
class Told:
    """What came of a deed: `kind` is that of a notice (ok, warn)."""

    kind: str
    text: str


@blueprint.get("")
@permitted("orders.see")
def index() -> ResponseReturnValue:
    """Show what needs attention, oldest first."""
    kind, whose = request.args.get("kind", ""), request.args.get("whose", "")
    if kind and kind not in KINDS:
        raise BadInputError(field="kind")
    if whose not in WHOSE:
        raise BadInputError(field="whose")
    member = {"": None, "free": "", "mine": known_person().email}[whose]
    with portal.database.transaction() as session:
        found = inbox(session, Asked(kind, member=member), portal.clock())
        shown = _shown(session, found.things)
    return render_template(
        "staff/attention.html",
        shown=shown,
        more=found.more,
        most=MOST,
        kinds=[(name, known.title) for name, known in KINDS.items()],
        kind=kind,
        whose=whose,
        may_take=may("attention.take"),
    )


@blueprint.get("/closed")
@permitted("orders.see")
def put_away() -> ResponseReturnValue:
    """Show what was closed last, by whom and why."""
    with portal.database.transaction() as session:
        rows = closed(session)
    return render_template("staff/attention_closed.html", rows=rows, kind_of=kind_of, may_take=may("attention.take"))


@blueprint.get("/count")
@permitted("orders.see")
def count() -> ResponseReturnValue:
    """Give the number beside the inbox's name; asked for by the page when it is there, so that no page waits for it."""
    with portal.database.transaction() as session:
        found = inbox(session, Asked(), portal.clock())
    return render_template("staff/_attention_count.html", count=len(found.things), more=found.more)


@blueprint.post("/<deed>")
@permitted("attention.take")
def act(deed: str) -> ResponseReturnValue:
    """Do one of DEEDS to a thing; what has gone by itself meanwhile is told."""
    do = DEEDS.get(deed)
    kind, subject = request.form.get("kind", ""), request.form.get("subject", "")
    if do is None:
        raise NotFoundError
    if kind not in KINDS or not 0 < len(subject) <= LONGEST_SUBJECT:
        raise BadInputError(field="kind")
    with portal.database.transaction() as session:
        thing = thing_of(session, kind, subject, portal.clock())
        told = do(session, thing) if thing else Told("ok", gettext("This is dealt with: nothing is left to do."))
    return _answer(kind, subject, told)


@blueprint.post("/closed/reopen")
@permitted("attention.take")
def reopen() -> ResponseReturnValue:
    """Bring back what was closed by mistake."""
    with portal.database.transaction() as session:
        done = desk.reopen(session, request.form.get("kind", ""), request.form.get("subject", ""))
    flash(gettext("It is open again, if it is still there.") if done else gettext("It is open already."), "ok")
    return redirect(url_for("staff_attention.index"), 303)


def _take(session: Session, thing: Thing) -> Told:
    if desk.take(session, thing, known_person().email, request.form.get("seen", ""), portal.clock()):
        return Told("ok", gettext("It is yours."))
    return Told("warn", gettext("Somebody else was faster: look who has it."))


def _let_go(session: Session, thing: Thing) -> Told:
    if desk.let_go(session, thing, known_person().email):
        return Told("ok", gettext("Nobody has it now."))
    return Told("warn", gettext("It is not yours: look who has it."))


def _close(session: Session, thing: Thing) -> Told:
    reason = request.form.get("reason", "").strip()
    if not reason or len(reason) > LONGEST_REASON:
        return Told("warn", gettext("Please say in at most 500 characters why it is closed."))
    if desk.close(session, thing, known_person().email, reason, portal.clock()):
        return Told("ok", gettext("It is closed."))
    return Told("warn", gettext("Somebody else has closed it."))


def _run_again(session: Session, thing: Thing) -> Told:
    job = dead_job(thing.subject) if thing.kind == JOB else None
    if job is None:
        return Told("warn", gettext("This job runs by itself."))
    if desk.close(session, thing, known_person().email, gettext("It was run once more."), portal.clock()):
        run_again(session, job)
    return Told("ok", gettext("The job runs once more. If it fails again, it comes back here."))


DEEDS: dict[str, Callable[[Session, Thing], Told]] = {
    "take": _take,
    "let-go": _let_go,
    "close": _close,
    "run-again": _run_again,
}


def _answer(kind: str, subject: str, told: Told) -> ResponseReturnValue:
    """Answer with the thing as it is now where htmx asked, else with the whole inbox."""
    if "HX-Request" not in request.headers:
        flash(told.text, told.kind)
        return redirect(url_for("staff_attention.index"), 303)
    with portal.database.transaction() as session:
        thing = thing_of(session, kind, subject, portal.clock())
        shown = _shown(session, [thing] if thing else [])
    page = render_template(
        "staff/_thing.html", one=shown[0] if shown else None, told=told, may_take=may("attention.take")
    )
    answer = make_response(page)
    answer.headers["HX-Trigger"] = "attention"  # the number in the navigation is asked for anew
    return answer


def _shown(session: Session, things: Iterable[Thing]) -> list[Shown]:
    things = list(things)
    ids = {thing.order_id for thing in things if thing.order_id}
    payments = selectinload(Order.payments).selectinload(Payment.refunds)
    found = session.scalars(select(Order).where(Order.id.in_(ids)).options(payments)) if ids else ()
    orders = {order.id: order for order in found}
    return [
        Shown(thing, order, _beside(thing, order)) for thing in things for order in [orders.get(thing.order_id or "")]
    ]


def _beside(thing: Thing, order: Order | None) -> list[tuple[str, str]]:
    known = [BY_KEY[key] for key in thing.words.actions if key in BY_KEY]
    links = [
        (str(action.title), url_for("staff_actions.act", order_id=order.id, key=action.key))
        for action in known
        if order is not None and may(action.permission) and action.possible(order)
    ]
    if thing.kind in {SECOND_PERSON, REFUSED} and thing.order_id:
        links.insert(0, (gettext("Look at the refund"), url_for("staff_refunds.show", order_id=thing.order_id)))
    if thing.kind == EVENT:
        links.append((gettext("Look at the event"), url_for("staff.event", event_id=thing.subject)))
    if thing.kind == FINDING:
        links.append((gettext("Look at all differences"), url_for("staff.findings")))
    return links
