"""How often something was asked for."""

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class RateCount(Base):
    """One count of one limit for one network; `ends_at` (seconds since 1970) is when it begins anew.

    `key` holds a keyed mark of the network address, not the address.
    """

    __tablename__ = "rate_counts"

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    count: Mapped[int]
    ends_at: Mapped[int] = mapped_column(BigInteger, index=True)
