"""The job about Stripe's events that runs by itself: fetch what never came. Old ones: app.privacy.retention."""

from datetime import timedelta

from app.jobs import SCHEDULE, job, step
from app.webhooks.missed import catch_up, look_for_silence

SCHEDULE["events.missed"] = timedelta(minutes=15)


@job("events.missed")
def fetch_missed(_moment: str) -> None:
    """Take the events that Stripe could not deliver, and say so when none come at all."""
    step(catch_up, name="catch_up")
    step(look_for_silence, name="look_for_silence")
