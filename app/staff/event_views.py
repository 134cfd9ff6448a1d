"""The pages about Stripe's events; app.staff.views puts them into its blueprint."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from app.errors import NotFoundError
from app.portal import portal
from app.staff.events import FILTERS, KINDS, NOTES, STATES, event_of, events_page, last_look
from app.staff.log import write
from app.staff.masking import masked_payload
from app.staff.permissions import may, permitted
from app.staff.stripe_links import event_link
from app.webhooks.queue import REPLAYED, replay


@permitted("events.see")
def events() -> ResponseReturnValue:
    """Show Stripe's events, newest first."""
    state, after = request.args.get("state", ""), request.args.get("after", "")
    with portal.database.transaction() as session:
        page, asked = events_page(session, state, after), last_look(session)
    return render_template(
        "staff/events.html",
        page=page,
        asked=asked,
        state=state,
        filters=FILTERS,
        states=STATES,
        kinds=KINDS,
        notes=NOTES,
        newest=url_for("staff.events", state=state or None) if after else "",
        older=url_for("staff.events", state=state or None, after=page.older) if page.older else "",
    )


@permitted("events.see")
def event(event_id: str) -> ResponseReturnValue:
    """Show one event, with its contents as far as they are nobody's data."""
    with portal.database.transaction() as session:
        line = event_of(session, event_id)
    found = line.event
    return render_template(
        "staff/event.html",
        line=line,
        payload=masked_payload(found.payload) if found.payload else "",
        link=event_link(portal.settings, found.id),
        states=STATES,
        kinds=KINDS,
        notes=NOTES,
        may_replay=may("events.replay") and found.state in REPLAYED and found.taken_by is None,
    )


@permitted("events.replay")
def replay_event(event_id: str) -> ResponseReturnValue:
    """Have a worker handle an event anew, with all its tries before it."""
    with portal.database.transaction() as session:
        state = replay(session, event_id)
        if state is None:
            raise NotFoundError
        if state in REPLAYED:
            write(session, "event.replayed", f"event:{event_id}", state=state)
    told = gettext("A worker takes the event now.") if state in REPLAYED else gettext("This event is dealt with.")
    flash(told, "ok" if state in REPLAYED else "info")
    return redirect(url_for("staff.event", event_id=event_id), 303)
