"""What Stripe's balance transactions say that money cost."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class BalanceTransaction(Base):
    """One movement on the Stripe balance because of a payment. Amounts in yen; `net` = `amount` - `fee`.

    `type` is Stripe's word (charge, payment, refund, payment_refund, adjustment).
    https://docs.stripe.com/reports/balance-transaction-types
    """

    __tablename__ = "balance_transactions"

    id: Mapped[str] = mapped_column(String(100), primary_key=True)
    payment_id: Mapped[str] = mapped_column(ForeignKey("payments.id"), index=True)
    type: Mapped[str] = mapped_column(String(60))
    amount: Mapped[int]
    fee: Mapped[int]
    net: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(index=True)
