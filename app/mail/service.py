"""The outbox: a mail is a row and a job, both written in the transaction of the change that it tells of."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy.orm import Session

from app.database import insert_once
from app.kit.ids import new_id
from app.models import LoginRequest, Mail, Order
from app.portal import portal

OrderMail = Literal[
    "choose_payment",
    "voucher",
    "payment_reminder",
    "payment_expired",
    "paid_twice",
    "refund",
    "result_open",
    "cannot_analyse",
    "analysis_failed",
]


def queue_mail(
    session: Session, kind: OrderMail, order: Order, *, once: str = "", state: Literal["queued", "restored"] = "queued"
) -> None:
    """Queue a mail about an order to the order's own address, in the order's language.

    The same kind goes out once an order, or once for each `once` (a payment's id); more calls do nothing. `restored`:
    it was sent before the ledger was lost, and only its place is taken, so that it does not go out again.
    """
    _queue(
        session,
        dedup_key=":".join(part for part in (order.id, kind, once) if part),
        kind=kind,
        order_id=order.id,
        to=order.email,
        locale=order.locale,
        params={"once": once} if once else {},
        expires_at=None,
        state=state,
    )


def queue_login_mail(session: Session, request: LoginRequest, locale: str) -> None:
    """Queue the mail with link and code; neither is stored, the job derives them from the request's id."""
    _queue(
        session,
        dedup_key=f"login:{request.id}",
        kind="login",
        order_id=None,
        to=request.email,
        locale=locale,
        params={"request": request.id},
        expires_at=request.expires_at,
    )


def job_of(kind: str) -> str:
    """Name the job that sends a kind of mail."""
    return "mail.login" if kind == "login" else "mail.send"


def _queue(
    session: Session,
    *,
    dedup_key: str,
    kind: str,
    order_id: str | None,
    to: str,
    locale: str,
    params: dict[str, Any],
    expires_at: datetime | None,
    state: str = "queued",
) -> None:
    mail_id = new_id()
    inserted = insert_once(
        session,
        Mail,
        id=mail_id,
        dedup_key=dedup_key,
        kind=kind,
        order_id=order_id,
        to=to,
        locale=locale,
        params=params,
        state=state,
        created_at=portal.clock(),
        expires_at=expires_at,
    )
    if inserted and state == "queued":
        portal.jobs.enqueue(session, job_of(kind), mail_id)
