"""The object store says that a file has come: the second road to `confirm_upload`, beside the browser's own word."""

import structlog
from sqlalchemy.orm import Session

from app.events import OBJECT_CREATED, AwsEvent, on
from app.intake.grants import order_id_of
from app.models import Order
from app.portal import portal

log = structlog.get_logger()


@on(OBJECT_CREATED)
def arrived(session: Session, event: AwsEvent) -> None:
    """Have the upload confirmed by a job: freezing a large file takes longer than a message may."""
    bucket, key = event.detail["bucket"]["name"], event.detail["object"]["key"]
    order_id = order_id_of(key)
    if bucket != portal.storage.bucket or order_id is None or session.get(Order, order_id) is None:
        log.info("intake.not_awaited", bucket=bucket, key=key)
        return
    portal.jobs.enqueue(session, "intake.confirm", order_id, key=f"intake.confirm:{order_id}:{event.id}")
