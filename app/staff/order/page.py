"""The page of one order."""

from flask import render_template, request

from app.errors import BadInputError
from app.kit.ids import new_id
from app.portal import portal
from app.staff import words
from app.staff.actions.catalog import ACTIONS
from app.staff.attention.kinds import kind_of
from app.staff.dossier import dossier_of
from app.staff.events import KINDS, NOTES
from app.staff.events import STATES as EVENT_STATES
from app.staff.findings import FINDINGS
from app.staff.log import write
from app.staff.order.files import files_of
from app.staff.order.notes import LONGEST
from app.staff.permissions import may
from app.staff.stripe_links import customer_link, payment_link
from app.staff.timeline import LANES, timeline


def order_page(order_id: str, *, wrong_note: bool = False) -> str:
    """Return the page of an order, and write down who looked (AC-S05).

    `show` of the address chooses one lane of the timeline. With `wrong_note` it says what is wrong with the note that
    was sent, and keeps its text. Raises NotFoundError, BadInputError.
    """
    lane = request.args.get("show", "")
    if lane and lane not in LANES:
        raise BadInputError(field="show")
    with portal.database.transaction() as session:
        dossier = dossier_of(session, order_id)
        write(session, "order.see", f"order:{order_id}")
    order, settings = dossier.order, portal.settings
    return render_template(
        "staff/order.html",
        dossier=dossier,
        order=order,
        moments=timeline(dossier, lane),
        lane=lane,
        lanes=LANES,
        files=files_of(order),
        links={p.id: (payment_link(settings, p), customer_link(settings, p)) for p in order.payments},
        means=FINDINGS,
        event_states=EVENT_STATES,
        event_kinds=KINDS,
        event_notes=NOTES,
        attention=kind_of(order.attention) if order.attention else None,
        words=words,
        products=words.products(),
        methods=words.methods(),
        actions=[action for action in ACTIONS if may(action.permission) and action.possible(order)],
        once=new_id(),
        note=request.form.get("text", "") if wrong_note else "",
        wrong_note=wrong_note,
        longest_note=LONGEST,
    )
