"""Order: one file of one customer, analysed by one product at a frozen price."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base
from app.models.payment import Payment

_ATTENTION = text("attention IS NOT NULL")
OWED = text("state <> 'delivered' AND coalesce(money, '') IN ('paid', 'partly_refunded')")
"""Orders that are paid and whose customer has nothing yet. Queries ask with this very text: its index is partial.

`coalesce` keeps SQLite from reading all that were ever paid by the index of `money`.
"""


class Order(Base):
    """An order. `state` says how far the work is, `money` whether it is paid; `app.orders.states` moves both.

    `email` is the canonical address: it alone decides who may see the order once its owner has logged in.
    `claim_hash` is the SHA-256 of the secret in the browser that made the order.
    It counts until `proved_at`: from the first login with the order's address on, only that address opens the order.
    `price` is in yen with tax, frozen when the order is made; `size` is in bytes.
    `terms_version` names the terms of use that the order was made under (AC-T02); null: made before that was kept.
    `input_gone_at` and `result_gone_at` say since when the files are deleted (retention, or the customer's wish);
    `erased_at` since when the order names nobody any more (its address is then a pseudonym).
    `method` is that of the last attempt to pay, for the list of orders: the database writes it (migration 0011).
    `upload_id` is the multipart upload that the browser has begun, so that it can go on after the tab was closed.
    `scan` says what a look at the content found: `clean`, `unscanned` or `infected`; null: not looked at yet.
    `kept_until` is when the result is deleted; null: not delivered yet. `cancel_asked_at`: stop the running analysis.
    `downloads_closed_at`: staff keep the result from being opened since then.
    """

    __tablename__ = "orders"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    product: Mapped[str] = mapped_column(String(50))
    email: Mapped[str] = mapped_column(String(254))
    claim_hash: Mapped[str | None] = mapped_column(String(64))
    locale: Mapped[str] = mapped_column(String(2))
    charge: Mapped[str] = mapped_column(String(20))
    price: Mapped[int]
    terms_version: Mapped[str | None] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(20))
    money: Mapped[str] = mapped_column(String(20))
    method: Mapped[str | None] = mapped_column(String(20))
    filename: Mapped[str] = mapped_column(String(120))
    grant: Mapped[str] = mapped_column("upload_grant", String(64))
    declared_size: Mapped[int | None] = mapped_column(BigInteger)
    declared_sha256: Mapped[str | None] = mapped_column(String(64))
    upload_id: Mapped[str | None] = mapped_column(String(1024))
    scan: Mapped[str | None] = mapped_column(String(20))
    size: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None] = mapped_column(String(64))
    progress: Mapped[int] = mapped_column(default=0)
    reason: Mapped[dict[str, Any] | None]
    preview: Mapped[dict[str, Any] | None]
    delivery: Mapped[dict[str, Any] | None]
    attention: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    uploaded_at: Mapped[datetime | None]
    analysed_at: Mapped[datetime | None]
    paid_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    proved_at: Mapped[datetime | None]
    cancel_asked_at: Mapped[datetime | None]
    kept_until: Mapped[datetime | None]
    downloads_closed_at: Mapped[datetime | None]
    input_gone_at: Mapped[datetime | None]
    result_gone_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]

    payments: Mapped[list[Payment]] = relationship(order_by=Payment.created_at, lazy="raise_on_sql")

    __table_args__ = (
        Index("ix_orders_newest", "created_at", "id"),
        Index("ix_orders_email_newest", "email", "created_at", "id"),
        Index("ix_orders_state_newest", "state", "created_at", "id"),
        Index("ix_orders_claim_hash", "claim_hash"),
        Index("ix_orders_kept_until", "kept_until"),
        Index("ix_orders_product_newest", "product", "created_at", "id"),
        Index("ix_orders_money_newest", "money", "created_at", "id"),
        Index("ix_orders_method_newest", "method", "created_at", "id"),
        Index("ix_orders_price_newest", "price", "created_at", "id"),
        Index("ix_orders_paid_at", "paid_at", "id"),
        Index("ix_orders_attention", "created_at", "id", sqlite_where=_ATTENTION, postgresql_where=_ATTENTION),
        Index("ix_orders_owed", "paid_at", "id", sqlite_where=OWED, postgresql_where=OWED),
    )
