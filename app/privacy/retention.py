"""How long everything is kept, as one table, and what keeps to it: the job `privacy.retention`, once a day.

docs/privacy.md shows the table. What is not in it: jobs that are done go after two weeks (app.worker), staff rows stay,
the history of an address at Stripe is Stripe's.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from app.delivery.keeping import told
from app.kit.ages import LEDGER, UNPAID, UNPAID_AFTER_VOUCHER
from app.login.sessions import LIVES
from app.models import (
    AddressChange,
    Attention,
    AuditEntry,
    CustomerView,
    Erasure,
    FormerAddress,
    LoginDevice,
    LoginRequest,
    LoginSession,
    Mail,
    Order,
    Payment,
    RateCount,
    Run,
    StripeEvent,
    StripeHistory,
)
from app.models.payment import OPEN_STATES
from app.orders.states import PAID
from app.portal import portal
from app.privacy.work import Due, Files, Objects, Orders, Rows
from app.recovery.orphans import Orphans

ENDED = ("analysed", "delivered", "rejected", "failed", "cancelled")


@dataclass(frozen=True)
class Rule:
    """`after` so much time since the moment that `since` names, `then` happens to it; `work` finds and does it."""

    after: timedelta
    since: str
    then: str
    work: Rows | Files | Orders | Objects | Orphans


_RESULT_AT = func.coalesce(Order.delivered_at, Order.analysed_at, Order.uploaded_at)
_OWED = and_(Order.money.in_(PAID), Order.state != "delivered")  # paid, and the customer has nothing yet
_OPEN = select(Payment.id).where(Payment.order_id == Order.id, Payment.state.in_((*OPEN_STATES, "awaiting"))).exists()
_VOUCHER = select(Payment.id).where(Payment.order_id == Order.id, Payment.voucher_expires_at.is_not(None)).exists()
_LAST_DEADLINE = (
    select(func.max(func.coalesce(Payment.voucher_expires_at, Payment.session_expires_at)))
    .where(Payment.order_id == Order.id)
    .scalar_subquery()
)
_UNPAID = and_(
    Order.result_gone_at.is_(None),
    Order.money == "unpaid",
    or_(Order.state.in_(ENDED), and_(Order.state == "uploaded", Order.charge == "before_analysis")),
    ~_OPEN,
)


def _older(column: ColumnElement[datetime] | InstrumentedAttribute[Any], *conditions: ColumnElement[bool]) -> Due:
    return lambda before: and_(*conditions, column < before)


def _session_over(before: datetime) -> ColumnElement[bool]:
    outlived = (
        and_(LoginSession.kind == kind, LoginSession.created_at < before - life.absolute)
        for kind, life in LIVES.items()
    )
    return or_(LoginSession.ended_at < before, *outlived)


_INPUT = _older(_RESULT_AT, Order.input_gone_at.is_(None), Order.state.in_(ENDED), ~_OWED)
_ENDED_PAID = and_(Order.result_gone_at.is_(None), Order.state.in_(ENDED), ~_OWED, Order.money != "unpaid")
# What is paid for goes only after its customer was written to about this very last day (app.delivery.keeping).
_RESULT = _older(Order.kept_until, _ENDED_PAID, or_(Order.money.not_in(PAID), told()))
_NEVER_OPENED = _older(_RESULT_AT, _ENDED_PAID, Order.delivered_at.is_(None))
_TRACED = or_(LoginSession.ip != "", LoginSession.user_agent != "")
_DONE = StripeEvent.state.in_(("handled", "ignored"))  # others are kept until somebody has dealt with them
_TEXT = or_(Mail.text.is_not(None), Mail.subject.is_not(None))
DAY = timedelta(days=1)
GONE, FORGOTTEN, CUT = "deleted, all versions", "deleted", "cut"

RETENTION = {
    "the customer's file": Rule(30 * DAY, "the result", GONE, Files(_INPUT, input_only=True)),
    "previews and results": Rule(0 * DAY, "the last day that the order shows", GONE, Files(_RESULT)),
    "previews and results that were never opened": Rule(180 * DAY, "the analysis", GONE, Files(_NEVER_OPENED)),
    "files of unpaid orders": Rule(
        UNPAID_AFTER_VOUCHER,
        "the last deadline of an order with a voucher",
        GONE,
        Files(_older(_LAST_DEADLINE, _UNPAID, _VOUCHER)),
    ),
    "files of unpaid orders without a voucher": Rule(
        UNPAID, "the order", GONE, Files(_older(Order.created_at, _UNPAID, ~_VOUCHER))
    ),
    "uploads": Rule(3 * DAY, "their arrival (what counts is copied away then)", GONE, Objects("incoming/")),
    "files that belong to no order": Rule(7 * DAY, "their arrival", GONE, Orphans()),
    "login requests": Rule(7 * DAY, "the request", FORGOTTEN, Rows(LoginRequest, _older(LoginRequest.created_at))),
    "login sessions": Rule(30 * DAY, "their end, or longest life", FORGOTTEN, Rows(LoginSession, _session_over)),
    "network addresses and browsers": Rule(
        90 * DAY,
        "the login",
        CUT,
        Rows(LoginSession, _older(LoginSession.created_at, _TRACED), {"ip": "", "user_agent": ""}),
    ),
    "networks that payments were begun from": Rule(
        30 * DAY,
        "the payment",
        CUT,
        Rows(Payment, _older(Payment.created_at, Payment.network.is_not(None)), {"network": None}),
    ),
    "counts of requests": Rule(DAY, "the count's end", FORGOTTEN, Rows(RateCount, _older(RateCount.ends_at))),
    "known devices": Rule(400 * DAY, "their last login", FORGOTTEN, Rows(LoginDevice, _older(LoginDevice.seen_at))),
    "changes of address": Rule(7 * DAY, "the wish", FORGOTTEN, Rows(AddressChange, _older(AddressChange.created_at))),
    "mails about logins and accounts": Rule(
        7 * DAY, "the mail", FORGOTTEN, Rows(Mail, _older(Mail.created_at, Mail.order_id.is_(None)))
    ),
    "texts of mails about orders": Rule(
        180 * DAY,
        "the mail",
        "cut; kind and time stay with the order",
        Rows(Mail, _older(Mail.created_at, _TEXT), {"subject": None, "text": None, "error": None}),
    ),
    "logs of analyses": Rule(
        180 * DAY,
        "the run",
        "cut; when and how it ended stays with the order",
        Rows(Run, _older(Run.started_at, Run.log.is_not(None)), {"log": None}),
    ),
    "Stripe's answers about an address": Rule(
        DAY, "the answer", FORGOTTEN, Rows(StripeHistory, _older(StripeHistory.fetched_at))
    ),
    # An event can be sent again by hand for up to 30 days (https://docs.stripe.com/webhooks#retries); for 400 days one
    # that comes again is known to be no new one (AC-W18).
    "contents of Stripe's events": Rule(
        35 * DAY,
        "their arrival",
        CUT,
        Rows(StripeEvent, _older(StripeEvent.received_at, _DONE, StripeEvent.payload.is_not(None)), {"payload": None}),
    ),
    "ids of Stripe's events": Rule(
        400 * DAY, "their arrival", FORGOTTEN, Rows(StripeEvent, _older(StripeEvent.received_at, _DONE))
    ),
    # The staff log, which only grows, goes on to tell of them; it names no customer.
    "views as a customer": Rule(
        30 * DAY, "their beginning", FORGOTTEN, Rows(CustomerView, _older(CustomerView.begun_at))
    ),
    # Only the words go: without the row, what is still found would be open again.
    "reasons of what staff closed": Rule(
        400 * DAY,
        "the closing",
        "cut; who closed what and when stays",
        Rows(Attention, _older(Attention.closed_at, Attention.reason.is_not(None)), {"reason": None}),
    ),
    "audit": Rule(5 * 366 * DAY, "the entry", FORGOTTEN, Rows(AuditEntry, _older(AuditEntry.at))),
    "former addresses": Rule(LEDGER, "the change", FORGOTTEN, Rows(FormerAddress, _older(FormerAddress.since))),
    "evidence of deletions": Rule(LEDGER, "the deletion", FORGOTTEN, Rows(Erasure, _older(Erasure.done_at))),
    "orders, payments and refunds": Rule(
        LEDGER, "the order", "deleted, with their audit, mails and records", Orders(_older(Order.created_at))
    ),
}
"""By what is kept, in the order in which the rules are applied."""


def apply(name: str) -> int:
    """Apply one rule; returns how many rows, orders or objects it met."""
    rule = RETENTION[name]
    return rule.work.run(portal.clock() - rule.after)


def would_meet() -> Iterator[tuple[str, int]]:
    """Yield each rule with how many it would meet now; nothing is changed."""
    now = portal.clock()
    for name, rule in RETENTION.items():
        yield name, rule.work.count(now - rule.after)
