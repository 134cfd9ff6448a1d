"""What staff put beside the orders: notes, views of the list that they keep, and who has taken what needs attention."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class Note(Base):
    """A remark about an order; customers never see it."""

    __tablename__ = "notes"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"), index=True)
    author: Mapped[str] = mapped_column(String(254))
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]


class SavedView(Base):
    """A search of the list of orders that a member of staff comes back to; `query` is the address after the `?`."""

    __tablename__ = "saved_views"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    member: Mapped[str] = mapped_column(ForeignKey("staff.email", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(60))
    query: Mapped[str] = mapped_column(String(1000))
    created_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("member", "name"),)


class Attention(Base):
    """What somebody has said about a thing that needs attention: taken, or done with.

    What needs attention is found from the orders, payments, events and jobs themselves; a row is here only once a
    member of staff took it or closed it. `kind` and `subject` name the thing; what comes up anew after it was closed
    (app.staff.attention) is open again, and nobody's.
    """

    __tablename__ = "attention"

    kind: Mapped[str] = mapped_column(String(40), primary_key=True)
    subject: Mapped[str] = mapped_column(String(200), primary_key=True)
    taken_by: Mapped[str | None] = mapped_column(String(254))
    taken_at: Mapped[datetime | None]
    closed_by: Mapped[str | None] = mapped_column(String(254))
    closed_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (Index("ix_attention_closed_at", "closed_at"),)


class CustomerView(Base):
    """A member of staff looks at the portal as the customer of an order sees it: for an hour at most, only looking.

    `id` is the SHA-256 of the secret in the cookie, which is good in one session of the member only (`session_id`).
    Who the customer is, the order says: no address is kept here.
    """

    __tablename__ = "customer_views"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    member: Mapped[str] = mapped_column(ForeignKey("staff.email", ondelete="CASCADE"), index=True)
    session_id: Mapped[str] = mapped_column(String(64))
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    reason: Mapped[str] = mapped_column(Text)
    begun_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
