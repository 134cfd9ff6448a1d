"""The history of an address: Stripe's Checkout Sessions, mapped by OrderID to the orders of the ledger.

Whether somebody may see an order rests on the order's own address alone, never on what a payer typed at
Stripe (AC-L20): a session whose order belongs to another address is not shown at all. Orders that were carried over
from another address are known to Stripe by that one, so it is asked for both.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload, load_only

from app.history.sessions import StripeSession, everything_told
from app.kit.clock import from_unix
from app.models import Order, Payment
from app.orders.owners import former_addresses
from app.orders.situation import Situation, situation
from app.portal import portal

SETTLED = ("paid", "partly_refunded", "refunded")
STOPPED = ("rejected", "failed", "cancelled", "abandoned")


@dataclass(frozen=True)
class Download:
    """A file of the result: its address name and the name that the customer saves it under."""

    slug: str
    name: str


@dataclass(frozen=True)
class Row:
    """One order of the history. `amount` in yen, None where nothing is to pay; `situation`: a key of words.

    `product` and `filename` are None where only Stripe knows the order.
    """

    order_id: str
    at: datetime
    situation: str
    amount: int | None
    method: str | None
    product: str | None = None
    filename: str | None = None
    voucher_until: datetime | None = None
    receipt_url: str | None = None
    downloads: tuple[Download, ...] = ()
    files_gone_at: datetime | None = None


@dataclass(frozen=True)
class History:
    """The rows, newest first, and whether Stripe was heard."""

    rows: list[Row]
    stripe_answered: bool


def history_of(email: str) -> History:
    """Return the history of a canonical address that its owner has proved; Stripe may stay silent."""
    with portal.database.transaction() as session:
        former = former_addresses(session, email)
    told = everything_told(email, former)
    sessions = [found for part in told for found in part or []]
    return History(rows(email, sessions, _orders(email, sessions)), None not in told)


def rows(email: str, sessions: Sequence[StripeSession], orders: Iterable[Order]) -> list[Row]:
    """Join what Stripe and the ledger know of an address, one row an order, newest first.

    `orders` are those of this address and those that the sessions name, with payments and refunds loaded.
    """
    ledger = {order.id: order for order in orders}
    told: dict[str, list[StripeSession]] = {}
    for session in sessions:
        told.setdefault(session.order_id, []).append(session)
    mine = [_known(order, told.get(order.id, [])) for order in ledger.values() if order.email == email]
    lost = [_lost(found) for order_id, found in told.items() if order_id not in ledger]
    return sorted([*mine, *lost], key=lambda row: (row.at, row.order_id), reverse=True)


def _orders(email: str, sessions: Sequence[StripeSession]) -> Sequence[Order]:
    columns = (
        Order.product, Order.email, Order.charge, Order.price, Order.state, Order.scan,
        Order.money, Order.filename, Order.delivery, Order.created_at, Order.result_gone_at,
        Order.downloads_closed_at,
    )  # fmt: skip
    query = (
        select(Order)
        .where(or_(Order.email == email, Order.id.in_({s.order_id for s in sessions})))
        .options(load_only(*columns, raiseload=True), joinedload(Order.payments).joinedload(Payment.refunds))
    )
    with portal.database.transaction() as session:
        return session.scalars(query).unique().all()


def _known(order: Order, told: Sequence[StripeSession]) -> Row:
    now = situation(order)
    settled = [p for p in order.payments if p.state in SETTLED]
    payment = settled[0] if settled else now.payment
    key = _key(order, now, told)
    free = order.money == "unpaid" and order.state in STOPPED
    files = (order.delivery or {}).get("files", []) if now.key == "open" else []
    return Row(
        order_id=order.id,
        at=order.created_at,
        situation=key,
        amount=None if free else payment.amount if payment else order.price,
        method=payment.method if payment else None,
        product=order.product,
        filename=order.filename,
        voucher_until=payment.voucher_expires_at if payment and key == "voucher" else None,
        receipt_url=payment.receipt_url if payment else None,
        files_gone_at=order.result_gone_at,
        downloads=tuple(Download(file["slug"], file["name"]) for file in files),
    )


def _key(order: Order, now: Situation, told: Sequence[StripeSession]) -> str:
    """Say more than the order's own situation where Stripe or a refund knows more."""
    if order.money == "unpaid":
        # Stripe has the money; our own job of settling it is on its way.
        return "settling" if any(session.paid for session in told) else now.key
    refunds = {refund.state for payment in order.payments for refund in payment.refunds}
    if "requires_action" in refunds:
        return "refund_account"
    if "pending" in refunds:
        return "refunding"
    return now.key


def _lost(told: Sequence[StripeSession]) -> Row:
    best = max(told, key=lambda session: (session.paid, session.complete, session.created))
    return Row(
        order_id=best.order_id,
        at=from_unix(best.created),
        situation="restoring_paid" if best.paid else "restoring",
        amount=best.amount,
        method=best.method,
    )
