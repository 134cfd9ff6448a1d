"""Payments by bank transfer as the order's record keeps them: nobody else would remember them (DESIGN, rule 1)."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalog import BANK_TRANSFER
from app.database import insert_once
from app.models import Payment
from app.orders.records import TRANSFER


def transfers_of(session: Session, order_id: str) -> list[dict[str, Any]]:
    """Return the bank transfers of an order, each as the columns of its payment."""
    mine = (Payment.order_id == order_id, Payment.method == BANK_TRANSFER)
    rows = session.scalars(select(Payment).where(*mine).order_by(Payment.created_at, Payment.id))
    return [{name: getattr(row, name) for name in TRANSFER} for row in rows]


def restore_transfers(session: Session, order_id: str, transfers: Iterable[Mapping[str, Any]]) -> None:
    """Take the bank transfers of an order's record into the ledger."""
    for told in transfers:
        columns = {name: told[name] for name in TRANSFER}
        more = {"order_id": order_id, "method": BANK_TRANSFER, "handling": 0, "created_at": told["paid_at"]}
        insert_once(session, Payment, **columns, **more)
