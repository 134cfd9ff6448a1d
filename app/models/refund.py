"""Refund: money on its way back; Stripe's word, kept."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class Refund(Base):
    """A refund of a payment; the id is Stripe's. `amount` is in yen.

    A konbini refund waits in `requires_action` for the customer's bank account and can still fail after 45 days.
    """

    __tablename__ = "refunds"

    id: Mapped[str] = mapped_column(String(100), primary_key=True)
    payment_id: Mapped[str] = mapped_column(ForeignKey("payments.id"), index=True)
    amount: Mapped[int]
    state: Mapped[str] = mapped_column(String(20), index=True)
    reason: Mapped[str | None] = mapped_column(String(100))
    created_at: Mapped[datetime] = mapped_column(index=True)


class RefundRequest(Base):
    """A refund that a member of staff asks for; above the catalog's amount a second one must agree (AC-S03).

    Its id is the idempotency key of the refund at Stripe. `amount` in yen. `state`: waiting (for the second person),
    declined, approved (on its way to Stripe), sent (`refund_id` is Stripe's), refused (by Stripe: `error`).
    """

    __tablename__ = "refund_requests"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    payment_id: Mapped[str] = mapped_column(ForeignKey("payments.id"), index=True)
    amount: Mapped[int]
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(20), index=True)
    asked_by: Mapped[str] = mapped_column(String(254))
    asked_at: Mapped[datetime]
    decided_by: Mapped[str | None] = mapped_column(String(254))
    decided_at: Mapped[datetime | None]
    refund_id: Mapped[str | None] = mapped_column(String(100))
    error: Mapped[str | None] = mapped_column(Text)
