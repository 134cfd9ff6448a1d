"""The object store says that a file has come: the second road to `confirm_upload`, beside the browser's own word."""

from datetime import timedelta

import structlog
from sqlalchemy.orm import Session

from app.events import OBJECT_CREATED, AwsEvent, on
from app.intake.grants import order_id_of
from app.models import Order
from app.portal import portal

IN_WORK = timedelta(minutes=5)  # as long as the page waits for its answer

log = structlog.get_logger()


@on(OBJECT_CREATED)
def arrived(session: Session, event: AwsEvent) -> None:
    """Have the upload confirmed by a job: freezing a large file takes longer than a message may."""
    bucket, key = event.detail["bucket"]["name"], event.detail["object"]["key"]
    order_id = order_id_of(key)
    order = session.get(Order, order_id) if order_id and bucket == portal.storage.bucket else None
    if order is None or order.state != "waiting":
        log.info("intake.not_awaited", bucket=bucket, key=key)
        return
    # A large file came because the browser's word completed it, and is being frozen: it is not copied twice at once.
    delay = IN_WORK if order.upload_id else None
    portal.jobs.enqueue(session, "intake.confirm", order.id, key=f"intake.confirm:{order.id}:{event.id}", delay=delay)
