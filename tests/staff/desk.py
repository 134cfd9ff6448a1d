"""A member of staff at work: a browser in the back office, and the confirm page of an action."""

from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.models import AuditEntry, Mail, Order, StaffLogEntry
from app.portal import Portal
from tests.checkout.shop import hidden
from tests.login.steps import post
from tests.staff import member as staff


def member(portal: Portal, app: Flask, role: str = "support") -> FlaskClient:
    """Give a browser in which a member of staff with a role has just given the second factor."""
    return staff.member(portal, app, role).client


def path_of(order: Order, key: str) -> str:
    """Return the address of an action's confirm page."""
    return f"/staff/orders/{order.id}/do/{key}"


def act(client: FlaskClient, order: Order, key: str, **fields: str) -> TestResponse:
    """Open the confirm page of an action and send it."""
    return _send(client, order, key, fields, times=1)


def act_in_haste(client: FlaskClient, order: Order, key: str, **fields: str) -> TestResponse:
    """Open the confirm page of an action and send it three times; return the last answer."""
    return _send(client, order, key, fields, times=3)


def _send(client: FlaskClient, order: Order, key: str, fields: dict[str, str], times: int) -> TestResponse:
    page = client.get(path_of(order, key))
    assert page.status_code == 200, page.text
    form = {"once": hidden(page, "once"), **fields}
    return [post(client, path_of(order, key), **form) for _ in range(times)][-1]


def done(client: FlaskClient, answer: TestResponse, order: Order) -> str:
    """Follow an answer to the order's page, and return that page."""
    assert (answer.status_code, answer.location) == (303, f"/staff/orders/{order.id}"), answer.text
    return client.get(answer.location).text


def entries(portal: Portal, order: Order, kind: str) -> list[dict[str, Any]]:
    """Return what the order's audit says of a kind of entry, oldest first."""
    with portal.database.transaction() as session:
        rows = select(AuditEntry).where(AuditEntry.order_id == order.id, AuditEntry.kind == kind)
        return [{"actor": entry.actor, **entry.data} for entry in session.scalars(rows.order_by(AuditEntry.id))]


def logged(portal: Portal, order: Order) -> list[StaffLogEntry]:
    """Return what the staff log says was done to an order, oldest first; that somebody looked at it is left out."""
    return [entry for entry in staff.log_of(portal, f"order:{order.id}") if entry.action != "order.see"]


def mails_to(portal: Portal, email: str) -> list[str]:
    """Return the kinds of the mails to an address, oldest first."""
    with portal.database.transaction() as session:
        return list(session.scalars(select(Mail.kind).where(Mail.to == email).order_by(Mail.created_at, Mail.id)))
