"""Logging in by mail: the request for a link, and the session that follows. Only digests of secrets are stored."""

from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class LoginRequest(Base):
    """Somebody asked for a link to an address. Link and code are derived from the id and the portal's key."""

    __tablename__ = "login_requests"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    email: Mapped[str] = mapped_column(String(254))
    limit_key: Mapped[str] = mapped_column(String(254))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    code_hash: Mapped[str] = mapped_column(String(64))
    nonce_hash: Mapped[str] = mapped_column(String(64), index=True)
    next_endpoint: Mapped[str | None] = mapped_column(String(60))
    next_order: Mapped[str | None] = mapped_column(String(36))
    attempts: Mapped[int] = mapped_column(default=0)
    ip: Mapped[str] = mapped_column(String(64))
    user_agent: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    consumed_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_login_requests_limit_key_created_at", "limit_key", "created_at"),
        Index("ix_login_requests_ip_created_at", "ip", "created_at"),
        Index("ix_login_requests_email", "email"),
    )


class LoginSession(Base):
    """A logged-in browser. The id is the SHA-256 of the cookie's secret; `kind` is customer or staff."""

    __tablename__ = "login_sessions"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    email: Mapped[str] = mapped_column(String(254), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    ip: Mapped[str] = mapped_column(String(64))
    user_agent: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
