"""The analysis and what comes of it: run it once more, stop it, put the deliverable together anew."""

from flask_babel import gettext, lazy_gettext
from sqlalchemy.orm import Session

from app.analysis import renewal
from app.analysis.again import cancel, run_again
from app.checkout.service import close_pages
from app.models import Order
from app.orders.states import PAID, WORK
from app.portal import portal
from app.staff.actions.action import Action, Deed


def _moves(order: Order, event: str) -> bool:
    return isinstance(WORK[order.state][event], str)


def _can_run(order: Order) -> bool:
    unpaid = order.charge == "before_analysis" and order.money not in PAID
    moves = _moves(order, "retried") or renewal.possible(order)
    return moves and order.input_gone_at is None and order.scan != "infected" and not unpaid


def _again(session: Session, deed: Deed) -> str:
    run_again(session, deed.order.id, deed.actor)
    return str(gettext("The order is in the line again."))


AGAIN = Action(
    key="again",
    title=lazy_gettext("Run the analysis once more"),
    explains=lazy_gettext(
        "With the same file. A result that is there stays until the new one takes its place, and nobody gets a mail of"
        " that; where there is none, what the customer was told last no longer holds."
    ),
    permission="orders.act",
    possible=_can_run,
    do=_again,
    bulk=True,
)


def _cancel(session: Session, deed: Deed) -> str:
    state = cancel(session, deed.order.id, deed.actor)
    stopped = gettext("The order is cancelled."), gettext("The analysis is being stopped. That takes a moment.")
    return str(stopped[state != "cancelled"])


CANCEL = Action(
    key="cancel",
    title=lazy_gettext("Cancel the order"),
    explains=lazy_gettext(
        "The analysis is stopped, or does not begin. The file is kept for now, so that the analysis can be run once"
        " more. No money goes back by this: an order that is paid then needs a refund."
    ),
    permission="orders.act",
    possible=lambda order: _moves(order, "cancelled") and order.cancel_asked_at is None,
    do=_cancel,
    prepare=close_pages,
    reason=True,
    danger=True,
)


def _can_rebuild(order: Order) -> bool:
    return order.state in {"analysed", "delivered"} and order.money in PAID and order.result_gone_at is None


def _rebuild(session: Session, deed: Deed) -> str:
    job = "delivery.build" if deed.order.state == "analysed" else "delivery.rebuild"
    portal.jobs.enqueue(session, job, deed.order.id, key=f"{job}:{deed.order.id}:{deed.once}")
    return str(gettext("The deliverable is being put together. That takes a moment."))


REBUILD = Action(
    key="rebuild",
    title=lazy_gettext("Put the deliverable together anew"),
    explains=lazy_gettext(
        "From what the analysis has written. It takes the place of the one that is there; nobody gets a mail."
    ),
    permission="orders.act",
    possible=_can_rebuild,
    do=_rebuild,
    bulk=True,
)
