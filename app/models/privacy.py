"""Evidence that a person's data was deleted when they asked (Act on the Protection of Personal Information)."""

from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class Erasure(Base):
    """One wish to be forgotten. `email_digest` is keyed: it answers "did this address ask?", and names nobody.

    `stripe_customers` is what staff still have to have redacted at Stripe; `done_at` when all else was gone.
    """

    __tablename__ = "erasures"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    email_digest: Mapped[str] = mapped_column(String(64), index=True)
    pseudonym: Mapped[str] = mapped_column(String(254))
    stripe_customers: Mapped[dict[str, Any]]
    asked_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
