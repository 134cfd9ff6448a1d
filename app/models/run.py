"""Run: one run of an analysis program on one order's frozen input."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class Run(Base):
    """What ran where, how it ended and what it wrote; staff alone see it.

    `engine` is `local` or `fargate`, `program` the command or the task definition with its version. `outcome` is empty
    while it runs, then `analysed`, `rejected`, `failed`, `cancelled` or `interrupted` (its worker or its machine went
    away; another run follows). `peak_memory` is in bytes. `task` is what ECS calls the task (its ARN), `task_state`
    the last state of it that ECS told us.
    """

    __tablename__ = "runs"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"))
    engine: Mapped[str] = mapped_column(String(20))
    program: Mapped[str] = mapped_column(String(300))
    outcome: Mapped[str | None] = mapped_column(String(20))
    cause: Mapped[str | None] = mapped_column(String(500))
    exit_code: Mapped[int | None]
    peak_memory: Mapped[int | None] = mapped_column(BigInteger)
    log: Mapped[str | None] = mapped_column(Text)
    task: Mapped[str | None] = mapped_column(String(300), index=True)
    task_state: Mapped[str | None] = mapped_column(String(30))
    started_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_runs_order_id_started_at", "order_id", "started_at"),)
