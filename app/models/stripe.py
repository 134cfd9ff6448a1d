"""What we keep of Stripe: the events it sent, and the last list of an address's Checkout Sessions."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base

AT_ONCE = "1970-01-01 00:00:00.000000"
"""When a fresh event is due: before any clock of ours, so that no clock has to agree with another one."""

_WAITING, _DEAD, _FETCHED = text("state = 'received'"), text("state = 'dead'"), text("fetched_at IS NOT NULL")


class StripeEvent(Base):
    """A webhook event; Stripe's id is the key, so the same event is one row however often it comes.

    The table is also the queue of the events (decision 010). `state`: received (to be handled), handled, ignored, dead.
    A received event may be taken from `due_at` on; while a worker tries it, `taken_by` is that worker's name.
    `object_id` names the Checkout Session or the PaymentIntent that an event we use is about, else its own object.
    `fetched_at`: Stripe could not deliver it, so it was asked for (app.webhooks.missed).
    """

    __tablename__ = "stripe_events"

    id: Mapped[str] = mapped_column(String(100), primary_key=True)
    type: Mapped[str] = mapped_column(String(100))
    api_version: Mapped[str | None] = mapped_column(String(40))
    object_id: Mapped[str | None] = mapped_column(String(100), index=True)
    payload: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(20))
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    note: Mapped[str | None] = mapped_column(Text)
    received_at: Mapped[datetime] = mapped_column(index=True)
    due_at: Mapped[datetime] = mapped_column(server_default=AT_ONCE)
    taken_by: Mapped[str | None] = mapped_column(String(200))
    handled_at: Mapped[datetime | None]
    fetched_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_stripe_events_due", "due_at", "received_at", sqlite_where=_WAITING, postgresql_where=_WAITING),
        Index("ix_stripe_events_dead", "received_at", "id", sqlite_where=_DEAD, postgresql_where=_DEAD),
        Index("ix_stripe_events_fetched", "received_at", "id", sqlite_where=_FETCHED, postgresql_where=_FETCHED),
    )


class StripeHistory(Base):
    """The Checkout Sessions of an address as Stripe told them at `fetched_at`; kept for seconds."""

    __tablename__ = "stripe_history"

    email: Mapped[str] = mapped_column(String(254), primary_key=True)
    fetched_at: Mapped[datetime]
    sessions: Mapped[dict[str, Any]]
