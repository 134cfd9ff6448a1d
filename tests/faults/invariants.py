"""The promises that hold once a fault is over, without a human: I1 to I8, read from database, Stripe, mailbox, logs."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

from sqlalchemy import select

from app.models import AuditEntry, Mail, Order, Payment, StripeEvent
from app.orders.states import MONEY, PAYMENT, WORK, Table
from tests.faults.house import JOB_WORKERS, House
from tests.helpers import get_json

REPEATABLE = {"voucher", "payment_expired"}  # once for each payment, by their dedup key
CLIENT_ERROR = 400
PATIENCE_S = 60.0  # I3 grants five minutes


def invariants(house: House) -> None:
    """Wait until all of I1 to I8 hold, the house being kept alive; fail with the list of what does not."""
    found: list[str] = []

    def none_left() -> bool:
        found[:] = list(problems(house))
        return not found

    try:
        house.until(none_left, PATIENCE_S, "the invariants")
    except AssertionError:
        raise AssertionError("\n".join(found)) from None


def all_orders(house: House) -> set[str]:
    """Return the ids of all orders there are."""
    with house.portal.database.transaction() as session:
        return set(session.scalars(select(Order.id)))


def problems(house: House) -> Iterator[str]:
    """Yield every broken promise."""
    with house.portal.database.transaction() as session:
        orders = [one for one in session.scalars(select(Order)) if one.id not in house.old]
        payments = session.scalars(select(Payment)).all()
        audit = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
        mails = [one for one in session.scalars(select(Mail)) if one.order_id not in house.old]
        events = {row.id: row for row in session.scalars(select(StripeEvent))}
    entries: dict[str, list[str]] = defaultdict(list)
    for entry in audit:
        entries[entry.order_id].append(entry.kind)
    sessions = house.told("sessions")
    paid = {s["client_reference_id"] for s in sessions if s["payment_status"] == "paid"}
    for order in orders:
        yield from _unlocks(order, entries[order.id], paid)
        yield from _steps(house, order, entries[order.id], [p for p in payments if p.order_id == order.id])
    yield from _mails(house, mails)
    yield from _durable(house, events)
    yield from _secrets(house)
    if not house.healthy():
        yield "I8: /healthz is not 200 though nothing is broken any more"
    if house.fired() is False:
        yield f"a fail point was never passed: {house.orders_file.read_text()!r}"


def _unlocks(order: Order, kinds: list[str], paid: set[str]) -> Iterator[str]:
    unlocks = kinds.count("work.delivered")
    if unlocks > 1:
        yield f"I1: order {order.id} was opened {unlocks} times"
    if (order.money != "unpaid" or order.state == "delivered") and order.id not in paid:
        yield f"I2: order {order.id} is {order.state}, {order.money}, and Stripe knows of no payment"
    waits = order.state not in {"delivered", "rejected", "failed"} and order.money != "refunded"
    if order.id in paid and (waits or order.money == "unpaid"):
        yield f"I3: order {order.id} is paid at Stripe and {order.state}, {order.money} here"


def _steps(house: House, order: Order, kinds: list[str], payments: list[Payment]) -> Iterator[str]:
    """I7: what was audited, played on the state tables, leads to the states that are there."""
    state, money = house.born.get(order.id, ("waiting", "unpaid"))
    told = (_play(WORK, state, "work.", kinds), _play(MONEY, money, "money.", kinds))
    if told != (order.state, order.money):
        yield f"I7: order {order.id} is {order.state}, {order.money}; the audit tells {told}: {kinds}"
    if len(payments) == 1 and (end := _play(PAYMENT, "creating", "payment.", kinds)) != payments[0].state:
        yield f"I7: payment of {order.id} is {payments[0].state}; the audit tells {end}: {kinds}"


def _play(table: Table, state: str, prefix: str, kinds: Iterable[str]) -> str:
    for kind in kinds:
        outcome = table[state].get(kind.removeprefix(prefix)) if kind.startswith(prefix) else None
        state = outcome if isinstance(outcome, str) else state
    return state


def _mails(house: House, mails: Iterable[Mail]) -> Iterator[str]:
    kept = get_json(f"{house.sandbox.mailbox}/api/messages")
    arrived = Counter(str(one["headers"].get("Message-ID", "")).strip("<>").partition("@")[0] for one in kept)
    for mail in mails:
        times = arrived[mail.id]
        if times > (2 if mail.order_id in house.mailed_twice else 1):
            yield f"I4: mail {mail.kind} of {mail.order_id} arrived {times} times"
        if mail.state == "sent" and not times:
            yield f"I4: mail {mail.kind} of {mail.order_id} is marked sent and never arrived"
        if mail.state in {"queued", "failed"}:
            yield f"mail {mail.kind} of {mail.order_id} still waits: {mail.state} {mail.error}"
    kinds = Counter((mail.order_id, mail.kind) for mail in mails if mail.order_id and mail.kind not in REPEATABLE)
    for (order_id, kind), count in kinds.items():
        if count > 1:
            yield f"I4: {count} mails {kind} for {order_id}"


def _durable(house: House, events: Mapping[str, StripeEvent]) -> Iterator[str]:
    """I5: what was answered 2xx is in the database, and is dealt with in the end."""
    for event in house.told("events"):
        states = {delivery["state"] for delivery in event["deliveries"]}
        if event["created"] < house.since:
            continue
        if "delivered" in states and event["id"] not in events:
            yield f"I5: {event['type']} {event['id']} was answered 2xx and is not in the database"
        if states & {"pending", "sending"}:
            yield f"I3: {event['type']} {event['id']} is not delivered yet"
    for row in events.values():
        if row.state == "received":
            yield f"I3: event {row.type} {row.id} is not handled yet: {row.note}"


def _secrets(house: House) -> Iterator[str]:
    """I6: marked secrets, tokens and addresses are in no log; no answer has a secret or a stack trace."""
    marks = re.compile("|".join(map(re.escape, house.marked)))
    for name in ("web", *JOB_WORKERS):
        log = house.log(name).read_bytes()[house.read.get(name, 0) :].decode(errors="replace")
        if found := marks.search(log):
            start = max(0, found.start() - 300)
            yield f"I6: {found[0]} in the log of {name}: {log[start : found.end() + 100]!r}"
    for answer in house.seen:
        # A page may lead to itself in the other language, so its own address is no leak.
        shown = {mark for mark in marks.findall(answer.text) if mark not in answer.path}
        if "Traceback" in answer.text or (answer.status >= CLIENT_ERROR and shown):
            yield f"I6: {answer.path} answered {answer.status} with {answer.text[:300]!r}"
        if secret := shown & set(house.marked[:3]):
            yield f"I6: {answer.path} shows {secret}"
