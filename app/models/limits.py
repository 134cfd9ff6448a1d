"""How often something was asked for."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class RateCount(Base):
    """One count of one limit for one network; `ends_at` is when it begins anew.

    `key` holds a keyed mark of the network address, not the address.
    """

    __tablename__ = "rate_counts"

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    count: Mapped[int]
    ends_at: Mapped[datetime] = mapped_column(index=True)
