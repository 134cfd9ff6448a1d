"""What tests of paying share: a customer with an order, the way to Stripe's page, the ledger read anew."""

import json
import re
import urllib.parse
import urllib.request
from dataclasses import replace
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.gateways.session_request import SessionRequest
from app.kit.ids import digest, new_id, new_secret
from app.models import AuditEntry, Mail, Order, Payment
from app.portal import Portal
from tests.helpers import Sandbox, make_order, make_payment

PREVIEW = {"facts": [], "image": "plot.png", "alt": {"ja": "図", "en": "Plot"}}


def order_of(portal: Portal, client: FlaskClient, **columns: Any) -> Order:
    """Store an analysed, unpaid order that this browser made, with a result in the object store."""
    claim = new_secret()
    client.set_cookie("claim", claim, domain="127.0.0.1")
    values = {"state": "analysed", "preview": PREVIEW, "claim_hash": digest(claim), **columns}
    order = make_order(portal, **values)
    put_result(portal, order)
    return order


def put_result(portal: Portal, order: Order) -> None:
    """Store what the program would have written."""
    files = {"report.html": b"<p>report", "plots/a.png": b"png", "tables/列.csv": b"a,b\n"}
    for name, body in files.items():
        portal.storage.put(f"results/{order.id}/run/{name}", body, "application/octet-stream")


def hidden(page: TestResponse, name: str) -> str:
    """Return the value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found, page.text
    return found[1]


def press_pay(client: FlaskClient, order: Order, method: str = "card", **fields: str) -> TestResponse:
    """Open the last screen and press its button."""
    token = {"t": fields["t"]} if "t" in fields else {}
    page = client.get(f"/orders/{order.id}/pay", query_string={"method": method, **token})
    assert page.status_code == 200, page.text
    form = {"csrf_token": hidden(page, "csrf_token"), "method": method, **fields}
    return client.post(f"/orders/{order.id}/pay", data=form)


def go_to_stripe(client: FlaskClient, order: Order, method: str = "card", **fields: str) -> str:
    """Press the button and return the id of the Checkout Session that the browser is sent to."""
    answer = press_pay(client, order, method, **fields)
    assert answer.status_code == 303, answer.text
    return answer.location.rsplit("/", 1)[-1]


def payments(portal: Portal, order: Order) -> list[Payment]:
    """Read an order's attempts to pay, oldest first."""
    with portal.database.transaction() as session:
        return list(session.scalars(select(Payment).where(Payment.order_id == order.id).order_by(Payment.created_at)))


def mails(portal: Portal, order: Order) -> list[str]:
    """Read the kinds of mail that were queued about an order."""
    with portal.database.transaction() as session:
        return sorted(session.scalars(select(Mail.kind).where(Mail.order_id == order.id)))


def audit(portal: Portal, order: Order) -> list[str]:
    """Read the kinds of an order's audit entries, oldest first."""
    with portal.database.transaction() as session:
        rows = select(AuditEntry.kind).where(AuditEntry.order_id == order.id).order_by(AuditEntry.id)
        return list(session.scalars(rows))


def ask_stripe(sandbox: Sandbox, path: str, **params: str | int) -> dict[str, Any]:
    """Call the stand-in as the company's own people would in Stripe's dashboard."""
    request = urllib.request.Request(
        f"{sandbox.stripe}/v1/{path}",
        data=urllib.parse.urlencode(params).encode(),
        headers={"Authorization": "Bearer sk_test_dummy_for_the_stand_in", "Idempotency-Key": new_id()},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return dict(json.load(answer))


def session_for(portal: Portal, order: Order, *, state: str = "open", **changes: Any) -> tuple[Payment, str]:
    """Store an attempt with an open session that differs from it in what `changes` says.

    An order has one open attempt; where it has one already, another may be in the `state` expired.
    """
    attempt = new_id()
    method = changes.get("method", "card")
    asked = SessionRequest(
        attempt_id=attempt,
        begun_at=portal.clock(),
        order_id=order.id,
        portal_id="kaiseki-demo",
        email=order.email,
        method=method,
        name="CSV",
        price=order.price,
        handling=0,
        handling_name="-",
        locale="ja",
        success_url="http://127.0.0.1/s",
        cancel_url="http://127.0.0.1/c",
        submit_note="-",
        expires_after_days=3 if method == "konbini" else None,
        terms_version="2026-01",
    )
    made = portal.stripe.create_session(replace(asked, **changes))
    return make_payment(portal, order, id=attempt, session_id=made["id"], state=state, method=method), made["id"]


def paid(portal: Portal, client: FlaskClient, sandbox: Sandbox, method: str = "card") -> tuple[Order, str, str]:
    """Give a paid order, its session and its PaymentIntent."""
    order = order_of(portal, client)
    session_id = go_to_stripe(client, order, method)
    if method == "konbini":
        sandbox.control(f"sessions/{session_id}/issue_voucher")
        sandbox.control(f"sessions/{session_id}/pay_at_till")
    else:
        sandbox.control(f"sessions/{session_id}/pay_card")
    return order, session_id, str(portal.stripe.retrieve_session(session_id)["payment_intent"]["id"])
