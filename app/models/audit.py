"""Audit: what happened to an order, who did it, when. The order's timeline is read from here."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base

_DOWNLOADED = text("kind = 'file.downloaded'")


class AuditEntry(Base):
    """One entry, written in the transaction of the change it tells of (I7).

    `actor` is customer, stripe, worker or staff.
    """

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"), index=True)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(60))
    actor: Mapped[str] = mapped_column(String(260))
    data: Mapped[dict[str, Any]]

    __table_args__ = (Index("ix_audit_downloads", "order_id", sqlite_where=_DOWNLOADED, postgresql_where=_DOWNLOADED),)
