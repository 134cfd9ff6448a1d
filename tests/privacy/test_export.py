"""A copy of one's own data (AC-P03)."""

import io
import json
import zipfile
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.kit.ids import new_id
from app.models import AuditEntry, Base, LoginDevice, Mail, Order
from app.orders.lifecycle import record
from app.portal import Portal
from tests.conftest import Browser
from tests.helpers import make_order, make_payment
from tests.history.people import log_in


def unpacked(body: bytes) -> dict[str, Any]:
    """Return the files of a zip by name; JSON is read."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.testzip() is None
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    return {name: json.loads(text) if name.endswith(".json") else text for name, text in texts.items()}


def counts(portal: Portal) -> dict[str, int]:
    """Count the rows of all tables."""
    with portal.database.transaction() as session:
        return {
            table.name: session.scalar(select(func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
        }


def test_ac_p03_all_that_is_held_and_nobody_elses(
    portal: Portal, client: FlaskClient, email: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The zip holds orders, payments, mails, logins and audit of this address, in pages; no secret, nobody else."""
    monkeypatch.setattr("app.privacy.export.PAGE", 2)
    files = [{"slug": "result.zip", "name": "結果.zip", "size": 9, "sha256": "ab" * 32, "key": "k", "type": "t"}]
    orders = [make_order(portal, email=email, delivery={"files": files}, sha256="cd" * 32) for _ in range(5)]
    other = make_order(portal)
    now = portal.clock()
    for order in (*orders, other):
        make_payment(portal, order, state="expired")
        with portal.database.transaction() as session:
            record(session, order.id, "order.created", "customer", now)
            record(session, order.id, "staff.looked", "hanako@kaiseki.example", now)
            mail = {"kind": "voucher", "to": order.email, "locale": "ja", "params": {}, "state": "sent"}
            session.add(Mail(id=new_id(), dedup_key=new_id(), order_id=order.id, text="本文", created_at=now, **mail))
    with portal.database.transaction() as session:
        session.add(LoginDevice(email=email, device_hash="secret-device", created_at=now, seen_at=now))
    log_in(portal, client, email)
    before = counts(portal)
    answer = client.get("/account/export", buffered=True)
    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=kaiseki-")
    assert "no-store" in answer.headers["Cache-Control"]
    found = unpacked(answer.data)
    assert counts(portal) == before
    assert {row["id"] for row in found["orders.json"]} == {order.id for order in orders}
    for name, number in (("payments", 5), ("mails", 5), ("what_happened", 10), ("logins", 1), ("devices", 1)):
        assert len(found[f"{name}.json"]) == number, name
    assert found["orders.json"][0]["delivery"]["files"][0]["sha256"] == "ab" * 32
    assert found["orders.json"][0]["sha256"] == "cd" * 32
    assert {row["actor"] for row in found["what_happened.json"]} == {"customer", "staff"}
    everything = repr(found)
    for secret in ("secret-device", "hanako", other.id, other.email, orders[0].grant, str(orders[0].claim_hash)):
        assert secret not in everything
    assert email in found["README.en.txt"]
    assert "お支払い" in found["README.ja.txt"]


def test_ac_p03_of_the_person_who_is_logged_in(portal: Portal, client: FlaskClient, email: str, app: Flask) -> None:
    """Who is not logged in is asked to; who holds nothing gets empty lists."""
    assert client.get("/account/export").status_code in {302, 303}
    log_in(portal, client, email)
    found = unpacked(client.get("/account/export", buffered=True).data)
    assert found["orders.json"] == []
    assert [row["ip"] for row in found["logins.json"]] == ["127.0.0.1"]
    assert "/account/export" in client.get("/account").text
    assert Browser(app, app.response_class).get("/account/export").status_code in {302, 303}


def test_ac_p03_made_while_it_is_sent(portal: Portal, client: FlaskClient, email: str) -> None:
    """The zip comes in pieces: what is large is never held as a whole, and no transaction is open meanwhile."""
    order = make_order(portal, email=email)
    with portal.database.transaction() as session:
        for _ in range(600):
            session.add(
                AuditEntry(order_id=order.id, at=portal.clock(), kind="x", actor="worker", data={"text": new_id() * 90})
            )
    log_in(portal, client, email)
    answer = client.get("/account/export", buffered=True)
    pieces = list(answer.iter_encoded())
    assert len(pieces) > 5
    assert len(unpacked(b"".join(pieces))["what_happened.json"]) == 600
    with portal.database.transaction() as session:
        assert session.get(Order, order.id) is not None
