"""The job behind every event of Stripe's."""

import structlog

from app.jobs import job, step
from app.webhooks.service import bury, handle, note_failure

ATTEMPTS = 12  # from one second on, doubling: a good half hour

log = structlog.get_logger()


@job("stripe.event")
def run(event_id: str) -> None:
    """Handle an event; after the last try it is dead, and stays so until somebody replays it."""
    try:
        step(lambda: _try(event_id), name="handle", attempts=ATTEMPTS)
    except Exception as error:
        log.exception("webhook.dead", event_id=event_id)
        reason = error
        step(lambda: bury(event_id, reason), name="bury")


def _try(event_id: str) -> None:
    try:
        handle(event_id)
    except Exception as error:
        note_failure(event_id, error)
        raise
