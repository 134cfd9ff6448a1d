"""Refund: money on its way back; Stripe's word, kept."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
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
    created_at: Mapped[datetime]
