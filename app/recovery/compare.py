"""The whole comparison, once a day: Stripe's sessions, the ledger, the object store.

What is clear is mended: what was paid at Stripe is opened, what the ledger forgot is restored, a record that the object
store lacks is written anew. What is not becomes a Finding. Stripe is asked for pages only; a session is read by itself
where it differs.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import selectinload

from app.checkout.facts import SessionFacts
from app.checkout.settle import events_of, mismatch
from app.errors import StripeRefusedError
from app.kit.ages import LEDGER
from app.models import Order, Payment
from app.orders.states import PAID, PAYMENT
from app.portal import portal
from app.recovery.files import compare_orders, compare_results
from app.recovery.pace import Pace
from app.recovery.rebuild import unfinished
from app.recovery.report import KINDS, Report, close_unseen, find
from app.recovery.sessions import adopt, ours, pages, try_settle

HELD = (*PAID, "refunded")
# A session younger than this may be known here in a moment: its page has not been answered yet (P7).
YOUNG = timedelta(minutes=10)
# So many sessions that Stripe does not list are asked for one by one.
UNLISTED = 500
BEGINNING = datetime(2011, 1, 1, tzinfo=UTC)  # before Stripe

Known = tuple[Payment, Order]


def compare(report: Report, pace: Pace, since: datetime | None = None) -> None:
    """Compare everything, or of Stripe only the sessions made since a moment.

    Findings that are gone are closed where everything was compared. Raises StripeDownError, StripeRefusedError and
    StorageDownError; then it may be repeated.
    """
    begun = portal.clock()
    if wants_rebuild():
        find("ledger_lost", "ledger")
        return
    compare_orders(report)
    _compare_sessions(report, pace, since)
    _compare_ledger()
    compare_results(report)
    if since is None:
        close_unseen(KINDS, begun)


def wants_rebuild() -> bool:
    """Tell whether the ledger is empty beside a bucket that is not, or half rebuilt: a comparison is no rebuild."""
    with portal.database.transaction() as session:
        if unfinished(session):
            return True
        empty = session.scalar(select(Order.id).limit(1)) is None
    return empty and any(key.endswith(".json") for key, _ in portal.storage.list("orders/"))


def _compare_sessions(report: Report, pace: Pace, since: datetime | None) -> None:
    differing: list[SessionFacts] = []
    seen: set[str] = set()
    oldest: datetime | None = None
    for page in pages(pace, since=since):
        shown = ours(page, pace)
        known = _known(shown)
        for facts in shown:
            report.looked["session"] += 1
            seen.add(facts.id)
            oldest = facts.created_at
            if _differs(facts, known.get(facts.id)):
                differing.append(facts)
    # Oldest first, as it happened: a session may be open only where the one before it is not.
    for facts in sorted(differing, key=lambda facts: (facts.created_at, facts.id)):
        _mend(facts, report, pace)
    for session_id, order_id in _unlisted(seen, oldest or since or BEGINNING):
        try_settle(session_id, order_id, pace)


def _known(shown: Sequence[SessionFacts]) -> dict[str, Known]:
    """Return payment and order of each session that the ledger knows, be it by the attempt's id alone."""
    attempts = {facts.metadata.get("attempt", ""): facts.id for facts in shown}
    query = (
        select(Payment, Order)
        .join(Order, Order.id == Payment.order_id)
        .where(or_(Payment.session_id.in_(facts.id for facts in shown), Payment.id.in_(attempts)))
        .options(selectinload(Payment.refunds))
    )
    with portal.database.transaction() as session:
        rows = session.execute(query).all()
    return {payment.session_id or attempts[payment.id]: (payment, order) for payment, order in rows}


def _differs(facts: SessionFacts, known: Known | None) -> bool:
    if known is None:
        return facts.created_at < portal.clock() - YOUNG
    payment, order = known
    if mismatch(facts, payment, order) or _here_only(facts, payment):
        return True
    moves = (PAYMENT[payment.state][event] for event in events_of(facts, payment))
    return (
        _to_adopt(facts, payment)
        or any(isinstance(target, str) and target != payment.state for target in moves)
        or {refund.id: refund.state for refund in payment.refunds} != {r.id: r.status for r in facts.refunds}
        or (payment.amount_refunded, payment.dispute) != (facts.amount_refunded, facts.dispute)
        or (order.money == "unpaid" and payment.state in PAID)
    )


def _here_only(facts: SessionFacts, payment: Payment) -> bool:
    return payment.state in HELD and facts.event != "paid"


def _to_adopt(facts: SessionFacts, payment: Payment) -> bool:
    unopened = payment.state in {"creating", "abandoned"} and facts.status == "open"
    return payment.session_id is None or unopened


def _mend(facts: SessionFacts, report: Report, pace: Pace) -> None:
    order_id = facts.metadata.get("order_id", "")
    known = _known([facts]).get(facts.id)
    with portal.database.transaction() as session:
        order = session.get(Order, order_id)
    if order is None:
        if facts.created_at < portal.clock() - LEDGER:
            return  # of an order that is forgotten by now
        find("session_without_order", facts.id, order=order_id, shows=facts.event, amount=facts.amount_total)
        return
    if (known is None or _to_adopt(facts, known[0])) and not adopt(facts, order.id):
        # Two sessions of one order could be paid, and no page of ours leads to this one.
        try:
            pace.wait()
            portal.stripe.expire_session(facts.id)
        except StripeRefusedError:
            find("second_session", facts.id, order.id)
    before = _standing(known)
    try_settle(facts.id, order.id, pace)
    known = _known([facts]).get(facts.id)
    if known is None:
        return
    if _standing(known) != before:
        report.mend("payment", facts.id)
    payment, order = known
    wrong = mismatch(facts, payment, order)
    if wrong:
        find(wrong, facts.id, order.id, ledger=payment.amount, stripe=facts.amount_total)
    elif _here_only(facts, payment):
        find("paid_here_only", facts.id, order.id)


def _standing(known: Known | None) -> tuple[object, ...]:
    if known is None:
        return ()
    payment, order = known
    refunds = {refund.id: refund.state for refund in payment.refunds}
    return (payment.session_id, payment.state, payment.amount_refunded, payment.dispute, order.money, refunds)


def _unlisted(seen: set[str], since: datetime) -> Iterator[tuple[str, str]]:
    """Yield session and order of payments whose sessions Stripe did not list, though it lists older ones."""
    query = (
        select(Payment.session_id, Payment.order_id)
        .join(Order, Order.id == Payment.order_id)
        .where(Payment.session_id.is_not(None), Payment.created_at > since, Payment.created_at < portal.clock() - YOUNG)
        .where(Order.erased_at.is_(None))  # redacted at Stripe, such a session does not say any more that it is ours
        .order_by(Payment.created_at.desc())
    )
    with portal.database.transaction() as session:
        rows = session.execute(query).yield_per(1000)
        missing = [(str(row[0]), row[1]) for row in rows if row[0] not in seen]
    yield from missing[:UNLISTED]


def _compare_ledger() -> None:
    """Report orders that are open here though no payment of theirs is."""
    held = exists().where(Payment.order_id == Order.id, Payment.state.in_(HELD))
    with portal.database.transaction() as session:
        orders = session.scalars(select(Order.id).where(Order.money != "unpaid", ~held).limit(1000)).all()
    for order_id in orders:
        find("open_without_payment", order_id, order_id)
