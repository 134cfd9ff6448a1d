"""The staff log: everything that staff do and look at, chained so that a missing or changed entry shows (AC-S05)."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class StaffLogEntry(Base):
    """Who did what, when, from where, to what, and why. The database refuses to change or delete a row.

    `seq` counts without a gap. `before` and `after` are SHA-256 digests of what a change found and left, so that no
    customer's data stays here. `digest` is over this entry and `previous`, the digest of the entry before.
    """

    __tablename__ = "staff_log"

    seq: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False
    )
    at: Mapped[datetime]
    member: Mapped[str] = mapped_column(String(254))
    role: Mapped[str] = mapped_column(String(20))
    network: Mapped[str | None] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(60))
    object: Mapped[str] = mapped_column("object_id", String(200))
    reason: Mapped[str | None] = mapped_column(Text)
    data: Mapped[dict[str, Any]]
    before: Mapped[str | None] = mapped_column(String(64))
    after: Mapped[str | None] = mapped_column(String(64))
    previous: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))

    __table_args__ = (
        Index("ix_staff_log_member_seq", "member", "seq"),
        Index("ix_staff_log_action_seq", "action", "seq"),
        Index("ix_staff_log_object_seq", "object_id", "seq"),
    )
