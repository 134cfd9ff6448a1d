"""Mail: everything we say, once. The dedup key makes a second mail of the same kind impossible."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base

_FAILED = text("state = 'failed'")


class Mail(Base):
    """One mail in the outbox. `params` is what its template needs; secrets are never in it.

    Login mails have no `order_id`, keep no body, and are dropped unsent after `expires_at`.
    """

    __tablename__ = "mails"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    dedup_key: Mapped[str] = mapped_column(String(120), unique=True)
    kind: Mapped[str] = mapped_column(String(40))
    order_id: Mapped[str | None] = mapped_column(ForeignKey("orders.id"), index=True)
    to: Mapped[str] = mapped_column("recipient", String(254), index=True)
    locale: Mapped[str] = mapped_column(String(2))
    params: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(20))
    subject: Mapped[str | None] = mapped_column(String(300))
    text: Mapped[str | None] = mapped_column("body_text", Text)
    error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_mails_failed", "created_at", sqlite_where=_FAILED, postgresql_where=_FAILED),)
