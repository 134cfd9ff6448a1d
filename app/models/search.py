"""What the list of orders is searched in."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Integer, String, Text, column, table
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class OrderWords(Base):
    """What staff may hold in hand of an order, in one text: file name, address, OrderID, numbers of its vouchers.

    A to Z are in small letters; `created_at` is the order's. The database writes it by itself (triggers of
    migration 0011).
    """

    __tablename__ = "order_words"

    number: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    order_id: Mapped[str] = mapped_column(String(36), ForeignKey("orders.id", ondelete="CASCADE"), unique=True)
    created_at: Mapped[datetime]
    words: Mapped[str] = mapped_column(Text().with_variant(Text(collation="C"), "postgresql"))


PIECES = table("order_pieces", column("rowid", Integer), column("order_pieces", Text))
"""SQLite's index of the pieces of `words` (FTS5): a row is that number of OrderWords; the column is for MATCH."""

TERMS = table("order_piece_terms", column("term", Text))
"""The pieces of three characters that are in PIECES (FTS5's own vocabulary)."""
