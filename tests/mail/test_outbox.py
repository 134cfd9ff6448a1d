"""The outbox: once a kind and order, and only together with the change that it tells of."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.mail.service import OrderMail, queue_mail
from app.models import Mail, Order
from app.portal import Portal
from tests.helpers import make_order
from tests.login.steps import ask


def mails_of(portal: Portal, order: Order) -> list[Mail]:
    """Return the outbox's rows of an order."""
    with portal.database.transaction() as session:
        return list(session.scalars(select(Mail).where(Mail.order_id == order.id).order_by(Mail.created_at)))


def queue(portal: Portal, kind: OrderMail, order: Order, once: str = "") -> None:
    """Queue a mail in a transaction of its own."""
    with portal.database.transaction() as session:
        queue_mail(session, kind, order, once=once)


def test_once_a_kind_and_order(portal: Portal) -> None:
    order = make_order(portal, locale="en")
    for _ in range(3):
        queue(portal, "choose_payment", order)
        queue(portal, "voucher", order, once="payment-1")
        queue(portal, "voucher", order, once="payment-2")
    keys = [mail.dedup_key for mail in mails_of(portal, order)]
    assert sorted(keys) == sorted(
        [f"{order.id}:choose_payment", f"{order.id}:voucher:payment-1", f"{order.id}:voucher:payment-2"]
    )
    assert {(m.to, m.locale, m.state) for m in mails_of(portal, order)} == {(order.email, "en", "queued")}
    jobs = portal.jobs.client.list_workflows(workflow_ids=[f"mail.send:{m.id}" for m in mails_of(portal, order)])
    assert len(jobs) == 3


def test_no_mail_without_the_change(portal: Portal) -> None:
    order = make_order(portal)

    def change_that_fails() -> None:
        with portal.database.transaction() as session:
            queue_mail(session, "result_open", order)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change_that_fails()
    assert mails_of(portal, order) == []


def test_m2_a_login_mail_has_a_lane_of_its_own(portal: Portal, client: FlaskClient, email: str) -> None:
    """Receipts that wait for a busy mail server don't hold up whoever wants to log in."""
    order = make_order(portal)
    queue(portal, "voucher", order, once="payment-1")
    ask(client, email)
    with portal.database.transaction() as session:
        login = session.scalars(select(Mail).where(Mail.to == email)).one()
    receipt = mails_of(portal, order)[0]
    ids = [f"mail.login:{login.id}", f"mail.send:{receipt.id}"]
    found = portal.jobs.client.list_workflows(workflow_ids=ids)
    assert {job.queue_partition_key for job in found} == {"login", "mail"}
