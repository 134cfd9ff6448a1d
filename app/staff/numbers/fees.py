"""What Stripe truly kept of each product by each payment method, beside what the catalog assumed.

A konbini payment costs 120 yen at least: of a small product that is more than half, and no total shows it.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from app.catalog import Catalog, Method, offer
from app.checkout.fees import TAKEN
from app.models import BalanceTransaction, Order, Payment
from app.staff.numbers.period import Period
from app.staff.numbers.sql import within

Verdict = Literal["ok", "warn", "eats"]


@dataclass
class Fee:
    """What payments cost. Amounts in yen; shares are of the price, without the handling fee.

    `payments` were paid; of `known` of them Stripe has told the fee: their `price` and `fee`, and what the catalog
    `assumed` for the same. `expected` is the share that the catalog works out for one payment; None: it does not know
    the method.
    """

    product: str
    method: str
    payments: int = 0
    known: int = 0
    price: int = 0
    fee: int = 0
    assumed: int = 0
    expected: Decimal | None = None

    @property
    def share(self) -> Decimal | None:
        """What Stripe kept."""
        return Decimal(self.fee) / self.price if self.price else None

    @property
    def assumed_share(self) -> Decimal | None:
        """What the catalog assumed of these payments, or while there are none of one."""
        return Decimal(self.assumed) / self.price if self.assumed else self.expected

    def verdict(self, method: Method | None) -> Verdict:
        """Judge the true share, or while there is none the assumed one, by the limits of the catalog."""
        share = self.assumed_share if self.share is None else self.share
        if method is None or share is None:
            return "ok"
        return "eats" if share > method.refuse_above else "warn" if share > method.warn_above else "ok"


@dataclass(frozen=True)
class Cost:
    """What else Stripe kept money for; `type` is Stripe's word."""

    type: str
    count: int
    fee: int


def fees(session: Session, catalog: Catalog, period: Period) -> list[Fee]:
    """Return a line for each product and method that is sold, or was paid in the period."""
    lines: dict[tuple[str, str], Fee] = {
        (product.key, method.key): Fee(product.key, method.key, expected=offer(method, product.price).share)
        for product in catalog.products
        for method in catalog.methods
    }
    methods: dict[str, Method] = {method.key: method for method in catalog.methods}
    told = and_(BalanceTransaction.payment_id == Payment.id, BalanceTransaction.type.in_(TAKEN))
    kind = (Order.product, Payment.method, Payment.price, Payment.amount)
    query = (
        select(*kind, func.count(), func.count(BalanceTransaction.fee), func.sum(BalanceTransaction.fee))
        .select_from(Payment)
        .join(Order, Order.id == Payment.order_id)
        .outerjoin(BalanceTransaction, told)
        .where(within(Payment.paid_at, period))
        .group_by(*kind)
    )
    for product, key, price, amount, payments, known, fee in session.execute(query):
        method = methods.get(key)
        line = lines.setdefault(
            (product, key), Fee(product, key, expected=offer(method, price).share if method else None)
        )
        line.payments += payments
        line.known += known
        line.price += price * known
        line.fee += fee or 0
        line.assumed += method.fee_on(amount) * known if method else 0
    return list(lines.values())


def by_method(lines: list[Fee]) -> list[Fee]:
    """Add the lines of each method up."""
    sums: dict[str, Fee] = {}
    for line in lines:
        total = sums.setdefault(line.method, Fee("", line.method))
        for name in ("payments", "known", "price", "fee", "assumed"):
            setattr(total, name, getattr(total, name) + getattr(line, name))
    return [total for total in sums.values() if total.payments]


def other_costs(session: Session, period: Period) -> list[Cost]:
    """Return what refunds and disputes cost in the period: Stripe keeps the fee of the payment, and takes more."""
    count, fee = func.count(), func.sum(BalanceTransaction.fee)
    query = (
        select(BalanceTransaction.type, count, fee)
        .where(within(BalanceTransaction.created_at, period), BalanceTransaction.type.not_in(TAKEN))
        .group_by(BalanceTransaction.type)
        .order_by(fee.desc())
    )
    return [Cost(*row) for row in session.execute(query)]
