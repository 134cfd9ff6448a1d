"""Heartbeats of the job workers."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class WorkerHeartbeat(Base):
    """A job worker and the last moment it was alive; `adopted_at` is when another took over its work."""

    __tablename__ = "worker_heartbeats"

    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    host: Mapped[str] = mapped_column(String(200))
    pid: Mapped[int]
    seen_at: Mapped[datetime]
    adopted_at: Mapped[datetime | None]
