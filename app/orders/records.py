"""What the object store keeps of an order, so that the ledger can be thrown away (DESIGN, rule 1).

Three small JSON objects, each written whole, after all that it speaks of, by the room whose work it ends:
`orders/<OrderID>.json` when the file is frozen, `previews/<OrderID>/analysis.json` when the program has ended,
`results/<OrderID>/manifest.json` when the deliverable is complete. They hold columns of the order under their own
names; times are ISO 8601 in UTC. Where the files of an order are deleted, so are the last two: its JSON then holds all
that is left to know ("closed"), and of an order whose customer asked to be forgotten it is a tombstone that names
nobody. Two are no columns: `former` holds the addresses under which Stripe knows the order's owner as well, each with
the time until when (`app.orders.owners.former_addresses`), `transfers` the payments by bank transfer, of which Stripe
knows nothing (`app.orders.transfers`).
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


_ORDER = (
    "product", "email", "claim_hash", "locale", "charge", "price", "filename", "declared_size", "declared_sha256",
    "size", "sha256", "created_at", "uploaded_at", "proved_at", "former", "input_gone_at",
    "terms_version", "transfers",
)  # fmt: skip
_ENDS = ("delivered_at", "kept_until", "result_gone_at", "erased_at")
PARTS = {
    "order": Part("orders/{id}.json", _ORDER),
    "closed": Part(
        "orders/{id}.json",
        (*_ORDER, "scan", "state", "reason", "progress", "analysed_at", *_ENDS),
    ),
    "analysis": Part(
        "previews/{id}/analysis.json",
        ("scan", "state", "preview", "reason", "sha256", "attention", "progress", "analysed_at"),
    ),
    "delivery": Part("results/{id}/manifest.json", ("delivery", "delivered_at", "kept_until", "downloads_closed_at")),
}
TRANSFER = ("id", "price", "amount", "amount_refunded", "state", "terms_version", "paid_at")
"""Columns of a payment by bank transfer."""
TIMES = {
    "created_at", "uploaded_at", "proved_at", "analysed_at", "delivered_at", "kept_until", "input_gone_at",
    "result_gone_at", "erased_at", "downloads_closed_at",
}  # fmt: skip


class BadRecordError(ValueError):
    """An object is there and can't be understood; the text names its key."""


def key_of(part: str, order_id: str) -> str:
    """Return the key of one of the three objects of an order."""
    return PARTS[part].key.format(id=order_id)


def keep(storage: Storage, part: str, order: Order, **facts: Any) -> None:  # noqa: ANN401  (columns)
    """Write one of the objects; `facts` are columns that the row does not show yet."""
    values = {name: facts.get(name, getattr(order, name, None)) for name in PARTS[part].columns}
    storage.put_json(
        key_of(part, order.id),
        {
            "version": VERSION,
            "order_id": order.id,
            **{name: _written(name, value) for name, value in values.items()},
        },
    )


def recall(storage: Storage, order_id: str) -> dict[str, Any]:
    """Return the columns of an order as the object store knows them, `state` included.

    Raises NoSuchObjectError where there is no `orders/<OrderID>.json`, BadRecordError, StorageDownError.
    """
    columns = {"state": "uploaded", **_read(storage, "closed", order_id)}
    if columns.get("result_gone_at"):
        return columns
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
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise BadRecordError(key) from error


def _value(name: str, found: Mapping[str, Any]) -> Any:  # noqa: ANN401  (a column)
    value = found[name]
    if name == "former":
        return {address: _moment(since) for address, since in (value or {}).items()}
    if name == "transfers":
        return [{**{name: of[name] for name in TRANSFER}, "paid_at": _moment(of["paid_at"])} for of in value or []]
    return value if name not in TIMES or value is None else _moment(value)


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time without a time zone")
    return at


def _written(name: str, value: Any) -> Any:  # noqa: ANN401  (a column)
    if name == "former":
        return {address: since.isoformat() for address, since in (value or {}).items()}
    if name == "transfers":
        return [{**of, "paid_at": of["paid_at"].isoformat()} for of in value or []]
    return value.isoformat() if isinstance(value, datetime) else value
