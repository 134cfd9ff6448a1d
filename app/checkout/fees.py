"""What payments, refunds and disputes truly cost: Stripe's balance transactions, kept beside our payments.

The catalog says what a payment method should cost; Stripe says what it did cost only here. Only the back office's
numbers follow from this, so it may come an hour late. https://docs.stripe.com/reports/balance-transaction-types
"""

from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.database import insert_once
from app.errors import StripeRefusedError
from app.kit.clock import from_unix
from app.models import BalanceTransaction, Mark, Payment
from app.portal import portal

MARK = "payments.fees"
"""Mark: until when all of Stripe's balance transactions were taken."""
TAKEN = ("charge", "payment")
"""Types of what came in with a payment: `charge` by card, `payment` by every other method. All others cost besides."""
WINDOW = timedelta(days=7)  # that much at a time, so that a first run which is cut off goes on from there
OVERLAP = timedelta(days=2)  # read again each time: Stripe may list late, and we may hear late of a payment

log = structlog.get_logger()


def fetch() -> int:
    """Take the balance transactions since the last time that belong to our payments; returns how many were new.

    Raises StripeDownError; then it may be repeated. A key that lacks the permission is told of by `portal check`.
    """
    now, start, new = portal.clock(), _since(), 0
    while start is not None and start < now:
        end = start + WINDOW  # perhaps after now: Stripe's clock may be ahead of ours
        try:
            for page in portal.stripe.balance_transactions(since=start, before=end):
                new += _keep(page)
        except StripeRefusedError as error:
            log.error("fees.refused", why=str(error.__cause__))  # noqa: TRY400  (what Stripe said is all there is)
            break
        start, known = end, min(end, now)
        with portal.database.transaction() as session:
            session.merge(Mark(name=MARK, value=known.isoformat(), at=known))
    return new


def look_back(session: Session, moment: datetime) -> None:
    """Have the next run begin at a moment: payments of that time have only now become known (recovery, rebuild)."""
    earlier = {"value": moment.isoformat(), "at": moment}
    session.execute(update(Mark).where(Mark.name == MARK, Mark.at > moment).values(earlier))


def _since() -> datetime | None:
    """Return where to begin, or None while there is nothing to look for."""
    with portal.database.transaction() as session:
        mark = session.get(Mark, MARK)
        begun = mark.at if mark else session.scalar(select(func.min(Payment.created_at)))
    return begun - OVERLAP if begun else None


def _keep(page: list[dict[str, Any]]) -> int:
    """Store what is ours of a page and not known yet. Stripe never changes amount or fee of one."""
    intents = {one["id"]: _intent(one) for one in page}
    with portal.database.transaction() as session:
        ours = dict(
            session.execute(
                select(Payment.payment_intent_id, Payment.id).where(
                    Payment.payment_intent_id.in_(filter(None, intents.values()))
                )
            ).all()
        )
        known = session.scalars(select(BalanceTransaction.id).where(BalanceTransaction.id.in_(intents))).all()
        return sum(
            insert_once(
                session,
                BalanceTransaction,
                id=one["id"],
                payment_id=ours[intents[one["id"]]],
                type=one["type"],
                amount=one["amount"],
                fee=one["fee"],
                net=one["net"],
                created_at=from_unix(one["created"]),
            )
            for one in page
            if intents[one["id"]] in ours and one["id"] not in known
        )


def _intent(transaction: dict[str, Any]) -> str | None:
    """Return the PaymentIntent behind a charge, refund or dispute; payouts and Stripe's other fees have none."""
    source = transaction.get("source")
    return source.get("payment_intent") if isinstance(source, dict) else None
