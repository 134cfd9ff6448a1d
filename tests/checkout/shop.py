"""What tests of paying share: a customer with an order, the way to Stripe's page, the ledger read anew."""

import re
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.kit.ids import digest, new_secret
from app.models import AuditEntry, Mail, Order, Payment
from app.portal import Portal
from tests.helpers import make_order

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
