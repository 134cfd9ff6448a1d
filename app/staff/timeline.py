"""One timeline of an order: what the customer, Stripe, the portal's jobs, its mails and the staff did, in one row each.

A source turns rows of one table into moments; the page shows them all, or those of one lane.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from flask_babel import LazyString, gettext, lazy_gettext

from app.models import Mail, Run, StripeEvent
from app.staff import words
from app.staff.details import told
from app.staff.dossier import Dossier
from app.staff.events import NOTES, STATES

LANES = {
    "customer": lazy_gettext("Customer"),
    "stripe": lazy_gettext("Stripe"),
    "portal": lazy_gettext("Portal's jobs"),
    "mails": lazy_gettext("Mails"),
    "staff": lazy_gettext("Staff"),
}
_LANE_OF_ACTOR = {"customer": "customer", "stripe": "stripe"}


@dataclass(frozen=True)
class Moment:
    """One thing that happened: in which lane (LANES), who did it, what it is called, what else is known of it.

    `link`: name of the page, and its values, where there is more to see.
    """

    at: datetime
    lane: str
    who: str | LazyString
    title: str | LazyString
    details: str = ""
    link: tuple[str, dict[str, str]] | None = None


def timeline(dossier: Dossier, lane: str = "") -> list[Moment]:
    """Return the moments of an order, of one lane where asked, oldest first."""
    found = [moment for source in SOURCES for moment in source(dossier) if lane in {"", moment.lane}]
    return sorted(found, key=lambda moment: moment.at)  # stable: what is of one moment stays as its source told it


def _audit(dossier: Dossier) -> Iterator[Moment]:
    for entry in dossier.audit:
        yield Moment(
            at=entry.at,
            lane="staff" if entry.actor.startswith("staff:") else _LANE_OF_ACTOR.get(entry.actor, "portal"),
            who=words.ACTORS.get(entry.actor, entry.actor.removeprefix("staff:")),
            title=words.AUDIT.get(entry.kind, entry.kind),
            details=", ".join(f"{name}: {value}" for name, value in told(entry.data)),
        )


def _events(dossier: Dossier) -> Iterator[Moment]:
    for event in dossier.events:
        yield Moment(
            at=event.received_at,
            lane="stripe",
            who=words.ACTORS["stripe"],
            title=gettext("Event %(type)s", type=event.type),
            details=_event(event),
            link=("staff.event", {"event_id": event.id}),
        )


def _event(event: StripeEvent) -> str:
    note = event.note and str(NOTES.get(event.note, event.note))
    return ", ".join(filter(None, (str(STATES.get(event.state, event.state)), note)))


def _runs(dossier: Dossier) -> Iterator[Moment]:
    for run in dossier.runs:
        portal = words.ACTORS["worker"]
        yield Moment(run.started_at, "portal", portal, gettext("The program starts"), f"{run.engine}, {run.program}")
        if run.ended_at:
            yield Moment(run.ended_at, "portal", portal, gettext("The program ended"), _outcome(run))


def _outcome(run: Run) -> str:
    return ", ".join(filter(None, (str(words.RUNS.get(run.outcome or "", run.outcome or "")), run.cause)))


def _mails(dossier: Dossier) -> Iterator[Moment]:
    for mail in dossier.mails:
        yield Moment(
            at=mail.sent_at or mail.created_at,
            lane="mails",
            who=words.ACTORS["worker"],
            title=words.MAILS.get(mail.kind, mail.kind),
            details=_delivery(mail),
            link=("staff_order.mail", {"order_id": dossier.order.id, "mail_id": mail.id}),
        )


def _delivery(mail: Mail) -> str:
    return ", ".join(filter(None, (str(words.MAIL_STATES.get(mail.state, mail.state)), mail.to, mail.error)))


def _notes(dossier: Dossier) -> Iterator[Moment]:
    for note in dossier.notes:
        yield Moment(note.created_at, "staff", note.author, gettext("Note of staff"), note.text)


SOURCES: tuple[Callable[[Dossier], Iterator[Moment]], ...] = (_audit, _events, _runs, _mails, _notes)
