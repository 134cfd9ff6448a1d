"""The ledger made anew from the object store and Stripe, for an empty database (DESIGN, rule 1).

Three passes, each in batches whose rows and Mark are one transaction, so that a run which was killed goes on where it
was: orders from `orders/*.json`, attempts to pay and refunds from Stripe's list of sessions (pages only: no call an
order), then what follows of both together: money, mails that have gone, work that was under way.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from app.checkout.facts import SessionFacts
from app.checkout.fees import look_back
from app.database import insert_once
from app.gateways.storage import NoSuchObjectError
from app.kit.ages import LEDGER
from app.kit.failpoints import fail_point
from app.models import Mark, Order, Payment
from app.orders.records import BadRecordError, recall
from app.portal import portal
from app.recovery.files import KEY
from app.recovery.pace import Pace
from app.recovery.report import Report, find
from app.recovery.restore import complete, insert_order, insert_payment
from app.recovery.sessions import ours, pages

MARK = "rebuild"
BATCH = 200
AT_ONCE = 8  # orders that are read from the object store
DONE = "done"

Recalled = tuple[str, dict[str, Any] | Exception]


class NotEmptyError(RuntimeError):
    """The ledger has orders that no unfinished rebuild has put there."""


def rebuild(report: Report, pace: Pace, tell: Callable[[str], None]) -> None:
    """Rebuild the ledger, or go on with a rebuild that was cut off; `tell` hears how far it is.

    Raises NotEmptyError, StripeDownError, StripeRefusedError and StorageDownError; it may be started again.
    """
    name, at = _begin()
    for number, (stage, run) in enumerate(STAGES.items()):
        if number < [*STAGES].index(name):
            continue
        if stage != name:
            at = ""
            _mark_now(stage, at)
        tell(f"{stage} ...")
        run(at, report, pace)
    _mark_now(DONE, "")


def _begin() -> tuple[str, str]:
    """Return stage and place to go on from."""
    with portal.database.transaction() as session:
        mark = session.get(Mark, MARK)
        if mark is None:
            if session.scalar(select(Order.id).limit(1)) is not None:
                raise NotEmptyError
            insert_once(session, Mark, name=MARK, value="orders:", at=portal.clock())
            return "orders", ""
    stage, _, place = mark.value.partition(":")
    if stage == DONE:
        raise NotEmptyError
    return stage, place


def unfinished(session: Session) -> bool:
    """Tell whether a rebuild was begun and not ended."""
    mark = session.get(Mark, MARK)
    return mark is not None and not mark.value.startswith(DONE)


def _mark(session: Session, stage: str, place: str) -> None:
    mark = session.get_one(Mark, MARK)
    mark.value, mark.at = f"{stage}:{place}", portal.clock()


def _mark_now(stage: str, place: str) -> None:
    with portal.database.transaction() as session:
        _mark(session, stage, place)


def _orders(after: str, report: Report, _pace: Pace) -> None:
    keys = (key for key, _ in portal.storage.list("orders/", after) if key.endswith(".json"))
    storage = portal.storage

    def fetch(key: str) -> Recalled:
        match = KEY.fullmatch(key)
        if match is None:
            return key, BadRecordError(key)
        try:
            return match[1], recall(storage, match[1])
        except (BadRecordError, NoSuchObjectError) as error:
            return match[1], error

    with ThreadPoolExecutor(AT_ONCE) as threads:
        while batch := list(islice(keys, BATCH)):
            found = list(threads.map(fetch, batch))
            for order_id, error in _insert_orders(found, batch[-1]):
                find("record_unreadable", order_id, why=str(error))
            report.looked["order"] += len(batch)


def _insert_orders(found: Sequence[Recalled], last: str) -> Iterator[Recalled]:
    bad: list[Recalled] = []
    with portal.database.transaction() as session:
        for order_id, columns in found:
            if isinstance(columns, Exception):
                bad.append((order_id, columns))
                continue
            try:
                insert_order(session, order_id, columns)
            except BadRecordError as error:
                bad.append((order_id, error))
        _mark(session, "orders", last)
        fail_point("rebuild.before_commit")
    yield from bad


def _payments(after: str, report: Report, pace: Pace) -> None:
    for page in pages(pace, after=after or None):
        report.looked["session"] += len(page)
        lost = _insert_payments(ours(page, pace), page[-1]["id"])
        for facts in lost:
            if facts.created_at < portal.clock() - LEDGER:
                continue  # of an order that is forgotten by now
            order_id = facts.metadata.get("order_id")
            find("session_without_order", facts.id, order=order_id, shows=facts.event, amount=facts.amount_total)


def _insert_payments(shown: Sequence[SessionFacts], last: str) -> list[SessionFacts]:
    with portal.database.transaction() as session:
        wanted = {facts.metadata.get("order_id", "") for facts in shown}
        orders = {order.id: order for order in session.scalars(select(Order).where(Order.id.in_(wanted)))}
        lost = []
        for facts in shown:
            order = orders.get(facts.metadata.get("order_id", ""))
            if order is None:
                lost.append(facts)
            else:
                insert_payment(session, order, facts)
        if shown:
            look_back(session, min(facts.created_at for facts in shown))
        _mark(session, "payments", last)
        fail_point("rebuild.before_commit")
    return lost


def _whole(after: str, report: Report, _pace: Pace) -> None:
    while True:
        with portal.database.transaction() as session:
            query = select(Order).where(Order.id > after).order_by(Order.id).limit(BATCH)
            orders = session.scalars(query.options(selectinload(Order.payments).selectinload(Payment.refunds))).all()
            if not orders:
                return
            for order in orders:
                complete(session, order, order.payments)
            after = orders[-1].id
            _mark(session, "whole", after)
            fail_point("rebuild.before_commit")
        report.mended["order"] += len(orders)


STAGES: dict[str, Callable[[str, Report, Pace], None]] = {"orders": _orders, "payments": _payments, "whole": _whole}
