"""Staff: the people of the company who may open the back office."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class StaffMember(Base):
    """A member of staff, known by the canonical address; a disabled one is out at once."""

    __tablename__ = "staff"

    email: Mapped[str] = mapped_column(String(254), primary_key=True)
    role: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]
