"""The visitors of the table: each a browser of its own, in front of an order of its own."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import inspect, select
from werkzeug.test import TestResponse

from app.intake.grants import incoming_key
from app.kit.ids import digest, new_id, new_secret
from app.models import AuditEntry, Finding, LoginSession, Mail, Order, Payment, StaffMember, StripeEvent
from app.portal import Portal
from app.staff_login.totp import Safe, new_totp_secret
from tests.access.table import HALF, ROLES, Row
from tests.conftest import Browser
from tests.helpers import make_order

PREVIEW = {"facts": [], "image": "plot.png", "alt": {"ja": "図", "en": "Plot"}}
FILE = {"slug": "result.zip", "name": "結果.zip", "key": "results/x", "size": 1, "type": "application/zip"}
REPORT = {**FILE, "slug": "report.html", "name": "結果.html", "type": "text/html; charset=utf-8"}
ORDERS: dict[str, dict[str, Any]] = {
    "waiting": {"state": "waiting", "declared_size": 10},
    "analysed": {"state": "analysed", "preview": PREVIEW},
    "delivered": {
        "state": "delivered",
        "money": "paid",
        "preview": PREVIEW,
        "delivery": {"files": [FILE], "report": REPORT},
    },
}
PROVED = ("owner", "browser after proof")
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
_CHANGING = re.compile(r'(nonce-|nonce="|name="csrf_token" value=")[^"\']+')


@dataclass
class Visit:
    """One visitor in front of one order. `pay_link` is the token of its mail, where the visitor has that."""

    portal: Portal
    client: FlaskClient
    order: Order
    pay_link: str

    def ask(self, row: Row, order_id: str) -> TestResponse:
        """Send the row's request about an order, as a page of ours would: with its CSRF token and our origin."""
        path = row.rule.replace("<path:filename>", "<filename>")
        for name, value in {**self._fill(row.values), "order_id": order_id}.items():
            path = path.replace(f"<{name}>", value)
        request: dict[str, Any] = {"method": row.method, "buffered": True}
        request["query_string"] = {**row.query, **({"t": self.pay_link} if self.pay_link else {})}
        if row.method != "GET":
            found = _TOKEN.search(self.client.get("/login/code").text)
            token = found[1] if found else ""
            ours = self.portal.settings.public_url
            request["headers"] = {"Origin": ours, "X-CSRFToken": token, "Sec-Fetch-Site": "same-origin"}
            if row.json is not None:
                request["json"] = self._fill(row.json)
            else:
                request["data"] = {**self._fill(row.form), "csrf_token": token}
        return self.client.open(path, **request)

    def _fill(self, values: Mapping[str, Any]) -> dict[str, Any]:
        known = {
            "{key}": incoming_key(self.order),
            "{session}": new_id(),
            "{new}": f"{new_id()}@example.jp",
            "{event}": _event_of(self.order),
            "{finding}": self.order.id,
            "{mail}": _mail_of(self.order),
        }
        return {name: known.get(value, value) for name, value in values.items()}

    def holdings(self) -> list[Any]:
        """Return all that the ledger holds of the order, so that two looks can be compared."""
        with self.portal.database.transaction() as session:
            rows: list[Any] = [session.get_one(Order, self.order.id)]
            for table in (Payment, AuditEntry, Mail):
                rows += session.scalars(select(table).where(table.order_id == self.order.id))
            return [{c.key: getattr(row, c.key) for c in inspect(type(row)).column_attrs} for row in rows]


def visit(portal: Portal, app: Flask, visitor: str, kind: str) -> Visit:
    """Put a visitor in front of an order of a kind."""
    client = Browser(app, app.response_class)
    claim, now = new_secret(), portal.clock()
    proved_at = now if visitor in PROVED else None
    order = make_order(portal, **ORDERS[kind], claim_hash=digest(claim), proved_at=proved_at)
    _trouble(portal, order)
    if visitor.startswith("browser"):
        client.set_cookie("claim", claim, domain="127.0.0.1")
    if visitor == "other customer":  # one with an order of their own
        mine = new_secret()
        make_order(portal, claim_hash=digest(mine))
        client.set_cookie("claim", mine, domain="127.0.0.1")
    _log_in(portal, client, visitor, order.email, now)
    pay_link = portal.signer.sign("pay-link", order.id) if visitor == "payer" else ""
    return Visit(portal, client, order, pay_link)


def _event_of(order: Order) -> str:
    return f"evt_{order.id.replace('-', '')}"  # as Stripe's look: the list of events is paged by them


def _mail_of(order: Order) -> str:
    return str(uuid5(UUID(order.id), "mail"))


def _trouble(portal: Portal, order: Order) -> None:
    """Give the order an event that was given up, a finding, and a mail that was sent, all by its name."""
    now = portal.clock()
    with portal.database.transaction() as session:
        session.add(
            Mail(
                id=_mail_of(order), order_id=order.id, dedup_key=f"access:{order.id}", kind="choose_payment",
                to=order.email, locale="ja", params={}, state="sent", created_at=now, sent_at=now,
            )
        )  # fmt: skip
        session.add(StripeEvent(id=_event_of(order), type="refund.failed", state="dead", received_at=now))
        session.add(
            Finding(
                id=order.id, kind="input_missing", subject=order.id, order_id=order.id, first_seen_at=now,
                last_seen_at=now,
            )
        )  # fmt: skip


def _log_in(portal: Portal, client: FlaskClient, visitor: str, owner: str, now: datetime) -> None:
    member = visitor in (*ROLES, HALF)
    if not member and visitor not in {"owner", "other customer"}:
        return
    secret = new_secret()
    email = owner if visitor == "owner" else f"{new_id()}@example.jp"
    with portal.database.transaction() as session:
        if member:
            role = "admin" if visitor == HALF else visitor
            sealed = Safe(portal.signer, "totp-secret", email).seal(new_totp_secret())
            session.add(StaffMember(email=email, role=role, totp_secret=sealed, created_at=now))
        session.add(
            LoginSession(
                id=digest(secret),
                email=email,
                kind="staff" if member else "customer",
                ip="127.0.0.1",
                user_agent="tests",
                created_at=now,
                seen_at=now,
                proved_at=now,
                second_factor_at=now if visitor in ROLES else None,
            )
        )
    client.set_cookie("session", secret, domain="127.0.0.1")


def shape(answer: TestResponse, order_id: str) -> tuple[int, str, dict[str, str]]:
    """Return an answer without what differs each time (nonce, CSRF token, its number) and without the id asked for."""
    told = {name: value for name, value in answer.headers.items() if name not in {"Date", "Set-Cookie"}}
    cookies = ",".join(sorted(value.partition("=")[0] for value in answer.headers.getlist("Set-Cookie")))
    number = told.get("X-Request-Id", order_id)

    def plain(text: str) -> str:
        return _CHANGING.sub(r"\1", text.replace(order_id, "<id>").replace(number, "<number>"))

    return answer.status_code, plain(answer.text), {n: plain(v) for n, v in told.items()} | {"cookies": cookies}
