"""What the object store keeps of an order, so that the ledger can be thrown away (DESIGN, rule 1).

Three small JSON objects, each written whole, after all that it speaks of, by the room whose work it ends:
`orders/<OrderID>.json` when the file is frozen, `previews/<OrderID>/analysis.json` when the program has ended,
`results/<OrderID>/manifest.json` when the deliverable is complete. They hold columns of the order under their own
names; times are ISO 8601 in UTC.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.gateways.storage import NoSuchObjectError, Storage
from app.models import Order

VERSION = 1


@dataclass(frozen=True)
class Part:
    """One of the three objects: its key (with `{id}`) and the columns in it."""

    key: str
    columns: tuple[str, ...]


PARTS = {
    "order": Part(
        "orders/{id}.json",
        (
            "product", "email", "claim_hash", "locale", "charge", "price", "filename", "declared_size",
            "declared_sha256", "size", "sha256", "created_at", "uploaded_at",
        ),
    ),
    "analysis": Part(
        "previews/{id}/analysis.json",
        ("state", "preview", "reason", "sha256", "attention", "progress", "analysed_at"),
    ),
    "delivery": Part("results/{id}/manifest.json", ("delivery", "delivered_at")),
}  # fmt: skip
TIMES = {"created_at", "uploaded_at", "analysed_at", "delivered_at"}


class BadRecordError(ValueError):
    """An object is there and can't be understood; the text names its key."""


def key_of(part: str, order_id: str) -> str:
    """Return the key of one of the three objects of an order."""
    return PARTS[part].key.format(id=order_id)


def keep(storage: Storage, part: str, order: Order, **facts: Any) -> None:  # noqa: ANN401  (columns)
    """Write one of the objects; `facts` are columns that the row does not show yet."""
    values = {name: facts.get(name, getattr(order, name)) for name in PARTS[part].columns}
    storage.put_json(
        key_of(part, order.id),
        {
            "version": VERSION,
            "order_id": order.id,
            **{name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()},
        },
    )


def recall(storage: Storage, order_id: str) -> dict[str, Any]:
    """Return the columns of an order as the object store knows them, `state` included.

    Raises NoSuchObjectError where there is no `orders/<OrderID>.json`, BadRecordError, StorageDownError.
    """
    columns = {**_read(storage, "order", order_id), "state": "uploaded"}
    for part, more in (("analysis", {}), ("delivery", {"state": "delivered"})):
        try:
            columns |= {**_read(storage, part, order_id), **more}
        except NoSuchObjectError:
            break
    return columns


def _read(storage: Storage, part: str, order_id: str) -> dict[str, Any]:
    key = key_of(part, order_id)
    try:
        found = json.loads(storage.get(key))
        return {name: _value(name, found) for name in PARTS[part].columns if name in found}
    except (ValueError, TypeError, AttributeError) as error:
        raise BadRecordError(key) from error


def _value(name: str, found: Mapping[str, Any]) -> Any:  # noqa: ANN401  (a column)
    value = found[name]
    if name not in TIMES or value is None:
        return value
    at = datetime.fromisoformat(value)
    if at.tzinfo is None:
        raise ValueError("a time without a time zone")
    return at
