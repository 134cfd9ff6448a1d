"""What we keep of Stripe: the events it sent, and the last list of an address's Checkout Sessions."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class StripeEvent(Base):
    """A webhook event; Stripe's id is the key, so the same event is one row however often it comes."""

    __tablename__ = "stripe_events"

    id: Mapped[str] = mapped_column(String(100), primary_key=True)
    type: Mapped[str] = mapped_column(String(100))
    api_version: Mapped[str | None] = mapped_column(String(40))
    object_id: Mapped[str | None] = mapped_column(String(100), index=True)
    payload: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(20))
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    note: Mapped[str | None] = mapped_column(Text)
    received_at: Mapped[datetime]
    handled_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_stripe_events_state_received_at", "state", "received_at"),)


class StripeHistory(Base):
    """The Checkout Sessions of an address as Stripe told them at `fetched_at`; kept for seconds."""

    __tablename__ = "stripe_history"

    email: Mapped[str] = mapped_column(String(254), primary_key=True)
    fetched_at: Mapped[datetime]
    sessions: Mapped[dict[str, Any]]
