"""What the storm left: every order compared with what Stripe shows, every promise counted."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes
from itertools import pairwise
from pathlib import Path

from sqlalchemy import select

from app.models import AuditEntry, Mail, Order, Payment, StripeEvent
from tests.faults.house import House
from tests.storm.books import Attempt, Books, Json, Truth

CLOCKS_S = 1.0  # a mail may be stored a moment after its sender was killed
ONCE_AN_ORDER = {"result_open"}  # all other mails are once a payment, by the payment's id in their dedup key


@dataclass
class Harvest:
    """The ledger as it is, beside Stripe's books."""

    truths: dict[str, Truth]
    orders: dict[str, Order] = field(default_factory=dict)
    payments: dict[str, list[Payment]] = field(default_factory=lambda: defaultdict(list))
    audit: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    mails: dict[str, list[Mail]] = field(default_factory=lambda: defaultdict(list))
    events: dict[str, StripeEvent] = field(default_factory=dict)
    arrived: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    @property
    def exceptions(self) -> list[Mail]:
        """Mails that went out more than once: killed between the mail server's yes and our mark (K9)."""
        return [mail for mails in self.mails.values() for mail in mails if len(self.arrived[mail.id]) > 1]


def harvest(house: House, books: Books, mailbox: Path) -> Harvest:
    """Read everything; `mailbox` is the folder of the stand-ins that the house shares."""
    found = Harvest(books.truths())
    with house.portal.database.transaction() as session:
        found.orders = {order.id: order for order in session.scalars(select(Order))}
        for payment in session.scalars(select(Payment)):
            found.payments[payment.order_id].append(payment)
        for entry in session.scalars(select(AuditEntry)):
            found.audit[entry.order_id][entry.kind] += 1
        for mail in session.scalars(select(Mail)):
            found.mails[mail.order_id or ""].append(mail)
        found.events = {event.id: event for event in session.scalars(select(StripeEvent))}
    found.arrived = _arrived(mailbox)
    return found


def _arrived(mailbox: Path) -> dict[str, list[float]]:
    """Return when each mail arrived (seconds since 1970), by its Message-ID, from the mailbox's own file."""
    with sqlite3.connect(mailbox / "mailbox.sqlite3") as file:
        rows = file.execute("SELECT raw, received FROM messages ORDER BY id").fetchall()
    found: dict[str, list[float]] = defaultdict(list)
    for raw, received in rows:
        mail_id = str(message_from_bytes(raw)["Message-ID"]).strip("<>").partition("@")[0]
        found[mail_id].append(datetime.fromisoformat(received).timestamp())
    return found


def wrong(found: Harvest, sent: list[Json], kills: list[float]) -> Iterator[str]:
    """Yield everything that is not as it must be; `kills` are the moments at which workers were killed."""
    for event in sent:
        if event["id"] not in found.events:
            yield f"lost: {event['type']} {event['id']}"
    for row in found.events.values():
        if row.state not in {"handled", "ignored"}:
            yield f"{row.state}: {row.type} {row.id}: {row.note}"
    for order_id, truth in found.truths.items():
        yield from _order(found, found.orders[order_id], truth)
        for attempt in truth.attempts:
            (payment,) = (p for p in found.payments[order_id] if p.session_id == attempt.id)
            yield from _payment(payment, attempt)
        yield from _mails(found, found.orders[order_id], truth, kills)


def _order(found: Harvest, order: Order, truth: Truth) -> Iterator[str]:
    if (order.money, order.attention) != (truth.money, truth.concern):
        yield f"order {order.id} is {order.money}, {order.attention}; Stripe shows {truth}"
    # What was refunded before the result was put together stays closed.
    states = {"delivered"} if truth.open else {"delivered", "analysed"} if truth.paid else {"analysed"}
    if order.state not in states:
        yield f"order {order.id} is {order.state}; Stripe shows {truth}"
    kinds = found.audit[order.id]
    if kinds["money.paid"] != int(truth.paid):
        yield f"order {order.id} was paid {kinds['money.paid']} times: {kinds}"
    if kinds["work.delivered"] != int(order.state == "delivered"):
        yield f"order {order.id} was opened {kinds['work.delivered']} times: {kinds}"
    double = [attempt for attempt in truth.attempts if attempt.paid]
    if len(double) > 1:
        ours = [refund for attempt in double for refund in attempt.refunds if refund["metadata"].get("portal")]
        by_hand = [refund for attempt in double for refund in attempt.refunds if not refund["metadata"].get("portal")]
        if len(ours) + len(by_hand) != 1:
            yield f"order {order.id} was paid twice and sent back {len(ours)} + {len(by_hand)} times: {truth}"


def _payment(payment: Payment, attempt: Attempt) -> Iterator[str]:
    if (payment.state, payment.amount_refunded) != (attempt.state, attempt.refunded):
        yield f"payment {payment.id} is {payment.state}, {payment.amount_refunded} back; Stripe shows {attempt}"
    if payment.dispute != attempt.dispute:
        yield f"payment {payment.id} has the dispute {payment.dispute}; Stripe shows {attempt}"


def _mails(found: Harvest, order: Order, truth: Truth, kills: list[float]) -> Iterator[str]:
    mails = found.mails[order.id]
    for mail in mails:
        times = found.arrived[mail.id]
        # Dropped: when its turn came there was nothing to tell any more (a refund of what is paid another way).
        if (mail.state, bool(times)) not in {("sent", True), ("dropped", False)}:
            yield f"mail {mail.kind} of {order.id} is {mail.state} ({mail.error}) and arrived {len(times)} times"
        # K9: at most one extra for each kill, so a kill lies between any two arrivals of one mail.
        for first, again in pairwise(times):
            if not any(first - CLOCKS_S <= kill <= again + CLOCKS_S for kill in kills):
                yield f"mail {mail.kind} of {order.id} arrived {len(times)} times: {times}, kills {kills}"
    kinds = Counter(mail.kind for mail in mails)
    for kind, count in kinds.items():
        if count > (1 if kind in ONCE_AN_ORDER else len(truth.attempts)):
            yield f"{count} mails {kind} for {order.id}"
    if kinds["result_open"] != int(order.state == "delivered"):
        yield f"order {order.id} is {order.state} and has {kinds['result_open']} mails that it is open"
