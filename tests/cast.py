"""People and orders for tests that walk over every page: a customer, a member of staff, an order in every situation."""

import base64
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app.kit.clock import last_moment
from app.kit.ids import digest, new_id, new_secret
from app.login.people import SESSION_COOKIE
from app.login.sessions import exchange_session, start_session
from app.models import Order, Payment, Refund, StaffMember, StripeEvent
from app.portal import Portal
from tests.checkout.shop import PREVIEW, put_result
from tests.conftest import Browser
from tests.helpers import make_order, make_payment
from tests.mail.test_letters import VOUCHER
from tests.orders.test_situation import CASES

HOST = "127.0.0.1"
WITH_PREVIEW = ("analysed", "delivered")
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
FILE = {"slug": "result.zip", "name": "結果.zip", "size": 1, "type": "application/zip"}


@dataclass(frozen=True)
class Cast:
    """Cookies of each kind of person; orders of the customer by `situation key/state/money`."""

    cookies: dict[str, dict[str, str]]
    orders: dict[str, Order]

    def enter(self, client: FlaskClient, kind: str) -> FlaskClient:
        """Make a browser that of a person of a kind."""
        for name, value in self.cookies[kind].items():
            client.set_cookie(name, value, domain=HOST)
        return client


def browser_of(app: Flask) -> FlaskClient:
    """Give a browser without cookies."""
    return Browser(app, app.response_class)


def make_cast(portal: Portal) -> Cast:
    """Store the people and their orders."""
    customer, member = f"cast-{new_id()[:13]}@example.jp", f"staff-{new_id()[:13]}@example.jp"
    now, claim = portal.clock(), new_secret()
    with portal.database.transaction() as session:
        session.add(StaffMember(email=member, role="admin", created_at=now))
        session.flush()
        staff = staff_session(portal, session, member)
        secret, _ = start_session(session, customer, HOST, "Mozilla/5.0 (X11; Linux x86_64)", now)
    orders = {}
    for state, money, charge, payments, key in CASES:
        order = make_order(portal, email=customer, claim_hash=digest(claim), **_columns(portal, state, money, charge))
        for one in payments:
            _pay(portal, order, one)
        orders[f"{key}/{state}/{money}"] = order
    _event(portal)
    return Cast(
        cookies={
            "stranger": {},
            "buyer": {"claim": claim},
            "customer": {SESSION_COOKIE: secret},
            "staff": {SESSION_COOKIE: staff},
        },
        orders=orders,
    )


def staff_session(portal: Portal, session: Session, email: str) -> str:
    """Open a session of a member of staff who gave the second factor; return the cookie's value."""
    _, row = start_session(session, email, HOST, "Mozilla/5.0 (X11; Linux x86_64)", portal.clock())
    session.flush()
    secret = exchange_session(session, row.id, portal.clock())
    assert secret is not None
    return secret


def _columns(portal: Portal, state: str, money: str, charge: str) -> dict[str, Any]:
    """Return what an order of this state has besides."""
    arrived = {"size": 100, "sha256": "0" * 64, "uploaded_at": portal.clock()} if state != "waiting" else {}
    reason = {"ja": "表ではありません。", "en": "This is no table."} if state == "rejected" else None
    preview = PREVIEW if state in WITH_PREVIEW else None
    return {"state": state, "money": money, "charge": charge, "reason": reason, "preview": preview, **arrived}


def _pay(portal: Portal, order: Order, state: str) -> Payment:
    columns: dict[str, Any] = {"state": state}
    if state in {"awaiting", "failed"}:
        columns |= {"method": "konbini", "handling": 120, "amount": order.price + 120, "voucher": VOUCHER}
        columns["voucher_expires_at"] = portal.clock() + timedelta(days=2 if state == "awaiting" else -1)
    payment = make_payment(portal, order, **columns)
    if "refunded" in state:
        amount = payment.amount if state == "refunded" else 500
        with portal.database.transaction() as session:
            session.get_one(Payment, payment.id).amount_refunded = amount
            session.add(
                Refund(
                    id=f"re_{new_id()}", payment_id=payment.id, amount=amount, state="succeeded",
                    created_at=portal.clock(),
                )
            )  # fmt: skip
    return payment


def deliver(portal: Portal, cast: Cast) -> None:
    """Put files behind previews and open orders, for pages that lead to the object store."""
    for key, order in cast.orders.items():
        if order.preview:
            portal.storage.put(f"previews/{order.id}/{PREVIEW['image']}", PNG, "image/png")
        if key.startswith("open/"):
            put_result(portal, order)
            portal.storage.put(f"results/{order.id}/result.zip", b"z", FILE["type"])  # type: ignore[arg-type]
            portal.storage.put(f"results/{order.id}/report.html", b"<!doctype html><h1>r</h1>", "text/html")
            with portal.database.transaction() as session:
                files = [{**FILE, "key": f"results/{order.id}/result.zip"}]
                report = {"slug": "report.html", "name": "結果.html", "size": 1, "type": "text/html; charset=utf-8"}
                row = session.get_one(Order, order.id)
                row.delivery = {"files": files, "report": {**report, "key": f"results/{order.id}/report.html"}}
                row.delivered_at, row.kept_until = portal.clock(), last_moment(portal.clock() + timedelta(days=7))


def _event(portal: Portal) -> None:
    with portal.database.transaction() as session:
        session.add(
            StripeEvent(
                id=f"evt_{new_id().replace('-', '')}", type="checkout.session.completed", state="dead", attempts=12,
                note="Stripe did not answer", received_at=portal.clock(), taken_by="this test",
            )
        )  # fmt: skip
