"""The reminder of a konbini voucher that runs out soon."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, exists, select

from app.kit.clock import JST
from app.mail.service import OrderMail, queue_mail
from app.models import Mail, Order, Payment
from app.portal import portal

# The deadline is 23:59:59 JST of the last day (Stripe, konbini), so this is from nine in the morning of the day before.
AHEAD = timedelta(hours=39)
NOT_AFTER_VOUCHER = timedelta(hours=24)
HOURS = range(9, 20)  # JST: at these hours a mail is no bother, and a store can still be reached
BATCH = 200


def remind() -> int:
    """Queue a reminder for every voucher that is due one, once each; returns how many were queued.

    By the deadline that the customer was told, in daytime, and never within a day of the voucher's own mail.
    """
    now = portal.clock()
    if now.astimezone(JST).hour not in HOURS:
        return 0
    total = 0
    while True:
        with portal.database.transaction() as session:
            found = session.execute(_due(now).limit(BATCH)).all()
            for payment_id, order in found:
                queue_mail(session, "payment_reminder", order, once=payment_id)
        total += len(found)
        if len(found) < BATCH:
            return total


def _due(now: datetime) -> Select[str, Order]:
    return (
        select(Payment.id, Order)
        .join(Order, Order.id == Payment.order_id)
        .where(
            Payment.state == "awaiting",
            Order.money == "unpaid",
            Payment.voucher_expires_at > now,
            Payment.voucher_expires_at <= now + AHEAD,
            ~exists().where(_mail("voucher"), Mail.created_at > now - NOT_AFTER_VOUCHER),
            ~exists().where(_mail("payment_reminder")),
        )
    )


def _mail(kind: OrderMail) -> ColumnElement[bool]:
    """Match the row that `queue_mail(kind, order, once=payment.id)` makes."""
    return Mail.dedup_key == Payment.order_id + f":{kind}:" + Payment.id
