"""All that we hold about an address, as a zip of JSON files; made while it is sent, a page of rows at a time."""

import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import render_template
from flask_babel import force_locale
from sqlalchemy import ColumnElement, inspect, or_, select, tuple_
from sqlalchemy.orm import load_only

from app.models import (
    AddressChange,
    AuditEntry,
    FormerAddress,
    LoginDevice,
    LoginRequest,
    LoginSession,
    Mail,
    Order,
    Payment,
    Refund,
)
from app.models.base import Base
from app.portal import portal
from app.web.texts import LOCALES

PAGE = 200  # rows
OURSELVES = ("customer", "stripe", "worker", "recovery")


@dataclass(frozen=True)
class Part:
    """A file of the zip: rows of a table, without what is a secret of a browser or of ours."""

    model: type[Base]
    mine: ColumnElement[bool]
    without: frozenset[str] = frozenset()


def parts(email: str) -> dict[str, Part]:
    """Return the files of the export of a canonical address by their names."""
    orders = select(Order.id).where(Order.email == email)
    payments = select(Payment.id).where(Payment.order_id.in_(orders))
    secret = frozenset({"id", "limit_key", "token_hash", "code_hash", "nonce_hash", "session_id"})
    return {
        "orders": Part(Order, Order.email == email, frozenset({"claim_hash", "grant"})),
        "payments": Part(Payment, Payment.order_id.in_(orders), frozenset({"look_at"})),
        "refunds": Part(Refund, Refund.payment_id.in_(payments)),
        "what_happened": Part(AuditEntry, AuditEntry.order_id.in_(orders)),
        "mails": Part(Mail, or_(Mail.to == email, Mail.order_id.in_(orders)), frozenset({"params", "error"})),
        "logins": Part(LoginSession, LoginSession.email == email, secret),
        "login_requests": Part(LoginRequest, LoginRequest.email == email, secret),
        "devices": Part(LoginDevice, LoginDevice.email == email, frozenset({"device_hash"})),
        "changes_of_address": Part(AddressChange, AddressChange.email == email, secret),
        "former_addresses": Part(FormerAddress, FormerAddress.email == email),
    }


def export(email: str) -> Iterator[bytes]:
    """Yield the zip, piece by piece; no transaction is open while a slow reader takes its time."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for locale in LOCALES:
            with force_locale(locale):
                archive.writestr(f"README.{locale}.txt", render_template(f"privacy/readme.{locale}.txt", email=email))
        for name, part in parts(email).items():
            with archive.open(f"{name}.json", "w", force_zip64=True) as file:
                for text in _array(_rows(part)):
                    file.write(text.encode())
                    yield from pipe.drain()
    yield from pipe.drain()


def _rows(part: Part) -> Iterator[dict[str, Any]]:
    key = inspect(part.model).primary_key
    columns = [column for column in inspect(part.model).column_attrs if column.key not in part.without]
    query = select(part.model).where(part.mine).order_by(*key).limit(PAGE)
    query = query.options(load_only(*(column.class_attribute for column in columns)))
    behind: ColumnElement[bool] | None = None
    while True:
        with portal.database.transaction() as session:
            page = session.scalars(query if behind is None else query.where(behind)).all()
        for row in page:
            yield {column.key: _plain(column.key, getattr(row, column.key)) for column in columns}
        if len(page) < PAGE:
            return
        behind = tuple_(*key) > inspect(page[-1]).identity


def _plain(name: str, value: Any) -> Any:  # noqa: ANN401  (a column, and JSON)
    if name == "actor" and value not in OURSELVES:
        return "staff"  # their addresses are data of theirs
    return value.isoformat() if isinstance(value, datetime) else value


def _array(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    yield "["
    for number, row in enumerate(rows):
        yield ("," if number else "") + "\n" + json.dumps(row, ensure_ascii=False, sort_keys=True)
    yield "\n]\n"


class _Pipe(io.RawIOBase):
    """What the zip is written into; it can't be sought, so that what was written can be sent at once."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def writable(self) -> bool:
        """Say that it can be written."""
        return True

    def write(self, data: Any) -> int:  # noqa: ANN401  (anything with bytes in it)
        """Keep a piece."""
        self._written.append(bytes(data))
        return len(data)

    def drain(self) -> Iterator[bytes]:
        """Yield what was written since, in one piece."""
        if self._written:
            yield b"".join(self._written)
            self._written.clear()
