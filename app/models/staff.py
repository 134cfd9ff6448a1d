"""Staff: the people of the company who may open the back office."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class StaffMember(Base):
    """A member of staff, known by the canonical address; a disabled one is out at once.

    `totp_secret` is encrypted with the portal's key (null: no second factor yet). `totp_step` is the last time step
    whose code was used (RFC 6238, 30 s a step): no code works twice. `wrong_codes` since `wrong_since` bound guessing.
    """

    __tablename__ = "staff"

    email: Mapped[str] = mapped_column(String(254), primary_key=True)
    role: Mapped[str] = mapped_column(String(20))
    totp_secret: Mapped[str | None] = mapped_column(Text)
    totp_step: Mapped[int | None] = mapped_column(BigInteger)
    wrong_codes: Mapped[int] = mapped_column(default=0, server_default="0")
    wrong_since: Mapped[datetime | None]
    invited_by: Mapped[str | None] = mapped_column(String(254))
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


class RecoveryCode(Base):
    """A code that stands in for a lost phone, once; only its digest is kept."""

    __tablename__ = "recovery_codes"

    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    email: Mapped[str] = mapped_column(ForeignKey("staff.email", ondelete="CASCADE"), index=True)
    used_at: Mapped[datetime | None]
