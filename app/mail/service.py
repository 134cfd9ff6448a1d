"""The outbox: a mail is a row and a job, both written in the transaction of the change that it tells of."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.database import insert_once
from app.kit.ids import new_id
from app.models import Mail, Order
from app.portal import portal

OrderMail = Literal[
    "choose_payment",
    "voucher",
    "payment_reminder",
    "payment_expired",
    "paid_twice",
    "refund",
    "result_open",
    "results_go_soon",
    "cannot_analyse",
    "analysis_failed",
    "address_corrected",
]
AccountMail = Literal[
    "login",
    "address_code",
    "address_changed_old",
    "address_changed_new",
    "address_corrected_old",
    "new_device",
    "data_deleted",
    "staff_invited",
]
AWAITED = ("login", "address_code")  # somebody sits before a page that asks for what is in the mail


def queue_mail(
    session: Session,
    kind: OrderMail,
    order: Order,
    *,
    once: str = "",
    state: Literal["queued", "restored"] = "queued",
    expires_at: datetime | None = None,
) -> None:
    """Queue a mail about an order to the order's own address, in the order's language.

    The same kind goes out once an order, or once for each `once` (a payment's id, a day); more calls do nothing.
    `restored`: it was sent before the ledger was lost, and only its place is taken, so that it does not go out again.
    After `expires_at` it is not sent any more.
    """
    if order.erased_at is not None:
        return  # there is nobody to write to any more
    _queue(
        session,
        dedup_key=":".join(part for part in (order.id, kind, once) if part),
        kind=kind,
        order_id=order.id,
        to=order.email,
        locale=order.locale,
        params={"once": once} if once else {},
        expires_at=expires_at,
        state=state,
    )


def queue_again(session: Session, mail: Mail, order: Order, *, once: str) -> None:
    """Queue a mail of an order once more, with what is true now and to the address that the order has now.

    Once for each `once`. What is not sent any more after some time (`expires_at`) stays so.
    """
    _queue(
        session,
        dedup_key=f"{order.id}:{mail.kind}:again:{once}",
        kind=mail.kind,
        order_id=order.id,
        to=order.email,
        locale=order.locale,
        params=mail.params,
        expires_at=mail.expires_at,
    )


def queue_account_mail(
    session: Session,
    kind: AccountMail,
    to: str,
    locale: str,
    *,
    params: dict[str, str],
    expires_at: datetime | None = None,
    held: bool = False,
) -> None:
    """Queue a mail about an address itself; once a kind and `params`, which name one row and hold no secret.

    Codes and links are not stored: the job derives them from the row's id. After `expires_at` it is not sent any more;
    a `held` mail waits for `send_farewell`.
    """
    _queue(
        session,
        dedup_key=":".join((kind, *params.values())),
        kind=kind,
        order_id=None,
        to=to,
        locale=locale,
        params=params,
        expires_at=expires_at,
        held=held,
    )


def hold_farewell(session: Session, erasure_id: str, to: str, locale: str) -> None:
    """Keep the last mail to somebody who asked to be forgotten until everything else is gone."""
    queue_account_mail(session, "data_deleted", to, locale, params={"erasure": erasure_id}, held=True)


def farewell_of(session: Session, erasure_id: str) -> Mail | None:
    """Return the last mail of a deletion; None where its time is over."""
    return session.scalar(select(Mail).where(Mail.dedup_key == f"data_deleted:{erasure_id}"))


def send_farewell(session: Session, erasure_id: str) -> None:
    """Let the last mail go; a repeated call changes nothing."""
    mail = farewell_of(session, erasure_id)
    if mail is not None:
        portal.jobs.enqueue(session, job_of(mail.kind), mail.id)


def job_of(kind: str) -> str:
    """Name the job that sends a kind of mail."""
    return "mail.login" if kind in AWAITED else "mail.send"


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
    held: bool = False,
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
    if inserted and state == "queued" and not held:
        portal.jobs.enqueue(session, job_of(kind), mail_id)
