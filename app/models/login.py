"""Logging in by mail: the request for a link, and the session that follows. Only digests of secrets are stored."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
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
    """A logged-in browser. The id is the SHA-256 of the cookie's secret; `kind` is customer or staff.

    `proved_at` is when the person last proved who they are: the mailed link or code, for staff the second factor.
    `second_factor_at` is null until a member of staff has given theirs; before that the back office is closed.
    """

    __tablename__ = "login_sessions"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    email: Mapped[str] = mapped_column(String(254), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    ip: Mapped[str] = mapped_column(String(64))
    user_agent: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    proved_at: Mapped[datetime | None]
    second_factor_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class LoginDevice(Base):
    """A browser that an address has logged in with before, known by the digest of a cookie of its own."""

    __tablename__ = "login_devices"

    email: Mapped[str] = mapped_column(String(254), primary_key=True)
    device_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class AddressChange(Base):
    """Somebody logged in asked to move their orders to a new address; the code went to that address.

    The code is derived from the id and the portal's key, as for a login, under a purpose of its own (AC-L25).
    """

    __tablename__ = "address_changes"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("login_sessions.id", ondelete="CASCADE"), index=True)
    email: Mapped[str] = mapped_column(String(254), index=True)
    new_email: Mapped[str] = mapped_column(String(254))
    code_hash: Mapped[str] = mapped_column(String(64))
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    consumed_at: Mapped[datetime | None]


class FormerAddress(Base):
    """An address whose orders were carried over to `email`; Stripe still knows them under `former`."""

    __tablename__ = "former_addresses"

    email: Mapped[str] = mapped_column(String(254), primary_key=True)
    former: Mapped[str] = mapped_column(String(254), primary_key=True)
    since: Mapped[datetime]
