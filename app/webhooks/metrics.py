"""What operators watch about events, read from the database whenever somebody asks for /metrics."""

from prometheus_client import Gauge
from sqlalchemy import func, literal_column, select

from app.models import Mark, StripeEvent
from app.portal import portal
from app.webhooks.missed import FOUND, silent_payments
from app.webhooks.queue import WAITING

WAIT = Gauge("portal_events_waiting", "Events to be handled or tried again")
DEAD = Gauge("portal_events_dead", "Events that were given up")
MISSED = Gauge("portal_events_missed", "Late events that the last look at Stripe found undelivered")
SILENT = Gauge("portal_events_silent_payments", "Payments that must have ended while no event came")


def measure() -> None:
    """Set the figures of this moment."""
    with portal.database.transaction() as session:
        found = session.get(Mark, FOUND)
        WAIT.set(session.scalar(select(func.count()).select_from(StripeEvent).where(WAITING)) or 0)
        DEAD.set(session.scalar(select(func.count()).where(StripeEvent.state == literal_column("'dead'"))) or 0)
        MISSED.set(int(found.value) if found else 0)
        SILENT.set(silent_payments(session, portal.clock()))
