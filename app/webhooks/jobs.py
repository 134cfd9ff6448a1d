"""The jobs about Stripe's events that run by themselves: fetch what never came, throw away what is old."""

from datetime import timedelta

from app.jobs import SCHEDULE, job, step
from app.webhooks.missed import catch_up, look_for_silence
from app.webhooks.retention import purge

SCHEDULE["events.missed"] = timedelta(minutes=15)
SCHEDULE["events.purge"] = timedelta(days=1)


@job("events.missed")
def fetch_missed(_moment: str) -> None:
    """Take the events that Stripe could not deliver, and say so when none come at all."""
    step(catch_up, name="catch_up")
    step(look_for_silence, name="look_for_silence")


@job("events.purge")
def purge_old(_moment: str) -> None:
    """Cut payloads and forget events that are past their time."""
    step(purge, name="purge")
