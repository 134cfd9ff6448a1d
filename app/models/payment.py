"""Payment: one attempt to pay an order, which is one Checkout Session at Stripe, or a bank transfer."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base
from app.models.refund import Refund

OPEN_STATES = ("creating", "open")


class Payment(Base):
    """An attempt to pay. Its id is the idempotency key of the Checkout Session's creation.

    `amount` = `price` + `handling`, in yen, is what the customer pays. `voucher` holds the konbini codes as Stripe
    gave them. `anomaly` names what staff must look at (double payment, wrong amount); `dispute` is Stripe's word for
    where a card holder's dispute stands (needs_response, won, lost). `look_at` is when recovery looks at Stripe again.
    `network` is a keyed mark of the network address that began the attempt (AC-H18); the address is not kept.
    """

    __tablename__ = "payments"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"), index=True)
    method: Mapped[str] = mapped_column(String(20))
    price: Mapped[int]
    handling: Mapped[int]
    amount: Mapped[int]
    state: Mapped[str] = mapped_column(String(20), index=True)
    terms_version: Mapped[str] = mapped_column(String(40))
    session_id: Mapped[str | None] = mapped_column(String(100), unique=True)
    session_url: Mapped[str | None] = mapped_column(String(2000))
    session_expires_at: Mapped[datetime | None]
    payment_intent_id: Mapped[str | None] = mapped_column(String(100), index=True)
    customer_id: Mapped[str | None] = mapped_column(String(100), index=True)
    stripe_email: Mapped[str | None] = mapped_column(String(254))
    voucher: Mapped[dict[str, Any] | None]
    voucher_expires_at: Mapped[datetime | None]
    receipt_url: Mapped[str | None] = mapped_column(String(2000))
    amount_refunded: Mapped[int] = mapped_column(default=0)
    anomaly: Mapped[str | None] = mapped_column(String(40))
    dispute: Mapped[str | None] = mapped_column(String(40))
    created_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]
    look_at: Mapped[datetime | None]
    network: Mapped[str | None] = mapped_column(String(32), index=True)

    refunds: Mapped[list[Refund]] = relationship(order_by=Refund.created_at, lazy="raise_on_sql")

    __table_args__ = (
        Index("ix_payments_paid_at", "paid_at"),
        Index("ix_payments_created_at", "created_at"),
        # At most one payable Checkout Session an order, whatever two browsers do at once.
        Index(
            "uq_payments_one_open",
            "order_id",
            unique=True,
            sqlite_where=text("state IN ('creating', 'open')"),
            postgresql_where=text("state IN ('creating', 'open')"),
        ),
    )
