"""An order that the ledger has lost, put together again from the object store and from Stripe."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.checkout.balance import BEST_FIRST, DOUBLE, balance, extras, next_job
from app.checkout.facts import SessionFacts
from app.checkout.reminders import AHEAD
from app.checkout.settle import events_of
from app.database import insert_once
from app.kit.ids import new_secret
from app.mail.service import OrderMail, queue_mail
from app.models import Order, Payment, Refund
from app.orders.lifecycle import record
from app.orders.owners import restore_former
from app.orders.records import BadRecordError, key_of
from app.orders.states import PAID, PAYMENT
from app.orders.transfers import restore_transfers
from app.portal import portal
from app.recovery.sessions import ACTOR, attempt_of

NEEDED = {"product", "email", "locale", "charge", "price", "filename", "created_at", "uploaded_at"}
NO_VOUCHER_YET = ("open", "abandoned", "expired")


def insert_order(session: Session, order_id: str, columns: dict[str, Any]) -> bool:
    """Insert an order as the object store knows it (`app.orders.records.recall`); returns whether it was missing.

    Raises BadRecordError. Its money is not known yet but for bank transfers: `complete` comes after its payments.
    """
    if not columns.keys() >= NEEDED:
        raise BadRecordError(key_of("order", order_id))
    values = {"claim_hash": None, "progress": 0, **columns}
    restore_former(session, columns["email"], values.pop("former", {}))
    transfers = values.pop("transfers", [])
    missing = insert_once(session, Order, id=order_id, money="unpaid", grant=new_secret(), **values)
    restore_transfers(session, order_id, transfers)
    return missing


def insert_payment(session: Session, order: Order, facts: SessionFacts) -> None:
    """Insert the attempt behind a session in the state that Stripe shows, with its refunds."""
    payment = Payment(**attempt_of(facts, order), state="open", amount_refunded=0)
    for event in events_of(facts, payment):
        outcome = PAYMENT[payment.state][event]
        payment.state = outcome if isinstance(outcome, str) else payment.state
    columns = {
        **attempt_of(facts, order),
        "state": payment.state,
        "payment_intent_id": facts.intent_id,
        "customer_id": facts.customer_id,
        "voucher_expires_at": facts.voucher_expires_at,
        **({} if order.erased_at else _of_the_payer(facts)),
        "amount_refunded": facts.amount_refunded,
        "dispute": facts.dispute,
        "paid_at": facts.paid_at,
    }
    if not insert_once(session, Payment, **columns):
        # Two open sessions of one order: the ledger holds one. The other enters as given up; Stripe may still pay it.
        insert_once(session, Payment, **{**columns, "state": "abandoned"})
    for refund in facts.refunds:
        insert_once(
            session,
            Refund,
            id=refund.id,
            payment_id=columns["id"],
            amount=refund.amount,
            state=refund.status,
            reason=refund.reason,
            created_at=refund.created_at,
        )


def _of_the_payer(facts: SessionFacts) -> dict[str, Any]:
    return {"stripe_email": facts.email, "voucher": facts.voucher, "receipt_url": facts.receipt_url}


def complete(session: Session, order: Order, payments: Sequence[Payment]) -> None:
    """Give a restored order its money, note the mails that must have gone, and let its work go on.

    `payments` are all of the order, oldest first, with their refunds.
    """
    now = portal.clock()
    states = {payment.state for payment in payments}
    order.money = next((state for state in BEST_FIRST if state in states), "unpaid")
    order.paid_at = min((payment.paid_at for payment in payments if payment.paid_at), default=None)
    for payment in payments:
        if any(refund.reason == "duplicate" for refund in payment.refunds):
            payment.anomaly = DOUBLE
    for kind, once in _mails_gone(order, payments, now):
        queue_mail(session, kind, order, once=once, state="restored")
    record(session, order.id, "order.restored", ACTOR, now)
    balance(session, order)
    job = next_job(order)
    wanted = order.money in PAID or (order.state == "uploaded" and order.charge == "after_analysis")
    wanted = wanted or job == "intake.inspect"
    if job and wanted and order.result_gone_at is None:
        portal.jobs.enqueue(session, job, order.id)


def _mails_gone(order: Order, payments: Sequence[Payment], now: datetime) -> Iterator[tuple[OrderMail, str]]:
    """Yield kind and `once` of each mail that the order's state says has been sent."""
    if order.charge == "before_analysis" or order.analysed_at is not None:
        yield "choose_payment", ""
    by_state: dict[str, OrderMail] = {
        "rejected": "cannot_analyse",
        "failed": "analysis_failed",
        "delivered": "result_open",
    }
    if order.state in by_state:
        yield by_state[order.state], ""
    twice = extras(payments)
    for payment in payments:
        if payment.method == "konbini" and payment.state not in NO_VOUCHER_YET:
            yield "voucher", payment.id
            if payment.voucher_expires_at is None or payment.voucher_expires_at <= now + AHEAD:
                yield "payment_reminder", payment.id
        if payment.method == "konbini" and payment.state == "failed":
            yield "payment_expired", payment.id
        if payment in twice or payment.anomaly == DOUBLE:
            yield "paid_twice", payment.id
        if payment.state == "refunded":
            yield "refund", payment.id
