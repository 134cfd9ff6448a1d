"""The job behind every event of Stripe's."""

import structlog

from app.jobs import job, step
from app.webhooks.service import bury, handle

ATTEMPTS = 12  # from one second on, doubling: a good half hour

log = structlog.get_logger()


@job("stripe.event")
def run(event_id: str) -> None:
    """Handle an event; after the last try it is dead, and stays so until somebody replays it."""
    try:
        step(lambda: handle(event_id), name="handle", attempts=ATTEMPTS)
    except Exception as error:
        log.exception("webhook.dead", event_id=event_id)
        reason = error
        step(lambda: bury(event_id, reason), name="bury")
