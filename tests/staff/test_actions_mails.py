"""Sending a mail once more, and a new payment link."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.kit.clock import last_moment
from app.mail.jobs import render
from app.mail.service import queue_mail
from app.models import Mail, Order
from app.portal import Portal
from tests.cast import browser_of
from tests.checkout.shop import PREVIEW, mails
from tests.helpers import Sandbox, make_order, make_payment, wait_for
from tests.login.steps import post
from tests.staff.desk import act, done, member


def mails_of(portal: Portal, order: Order) -> list[Mail]:
    """Read the mails of an order, oldest first."""
    with portal.database.transaction() as session:
        return list(session.scalars(select(Mail).where(Mail.order_id == order.id).order_by(Mail.created_at, Mail.id)))


def test_a_mail_goes_to_the_address_that_the_order_has_now(
    portal: Portal, app: Flask, worker: None, sandbox: Sandbox, email: str
) -> None:
    """With what is true now; it arrives, and the order's page shows both."""
    order = make_order(portal, email=f"old-{email}", state="analysed", locale="en")
    with portal.database.transaction() as session:
        queue_mail(session, "choose_payment", order)
    wait_for(lambda: sandbox.mails(f"old-{email}"), what="the first mail")
    with portal.database.transaction() as session:
        session.get_one(Order, order.id).email = email
    client = member(portal, app)
    page = done(client, act(client, order, "resend", mail="choose_payment"), order)
    assert f"on its way to {email}" in page
    (mail,) = wait_for(lambda: sandbox.mails(email), what="the mail")
    assert order.id in mail["text"]


def test_of_several_mails_of_a_kind_the_newest_is_sent(portal: Portal, app: Flask) -> None:
    order = make_order(portal, state="analysed")
    slips = [make_payment(portal, order, method="konbini", state=state) for state in ("failed", "awaiting")]
    for slip in slips:
        with portal.database.transaction() as session:
            queue_mail(session, "voucher", order, once=slip.id)
    client = member(portal, app)
    page = client.get(f"/staff/orders/{order.id}/do/resend").text
    assert page.count('<option value="voucher">') == 1
    act(client, order, "resend", mail="voucher")
    assert mails_of(portal, order)[-1].params == {"once": slips[-1].id}


def test_what_would_not_be_true_any_more_is_not_sent(portal: Portal, app: Flask) -> None:
    """A reminder of a voucher that was paid meanwhile."""
    order = make_order(portal, state="delivered", money="paid")
    payment = make_payment(portal, order, method="konbini", state="paid")
    with portal.database.transaction() as session:
        queue_mail(session, "payment_reminder", order, once=payment.id)
    answer = act(member(portal, app), order, "resend", mail="payment_reminder")
    assert answer.status_code == 422
    assert "would not be true any more" in answer.text
    assert mails(portal, order) == ["payment_reminder"]


def test_the_mail_about_the_last_day_can_be_sent_again(portal: Portal, app: Flask) -> None:
    """It stands for one last day, which it names: that has to come along."""
    until = last_moment(portal.clock() + timedelta(days=5))
    order = make_order(portal, state="delivered", money="paid", kept_until=until, delivered_at=portal.clock())
    with portal.database.transaction() as session:
        queue_mail(session, "results_go_soon", order, once="x", expires_at=until)
    client = member(portal, app)
    done(client, act(client, order, "resend", mail="results_go_soon"), order)
    again = mails_of(portal, order)[-1]
    assert again.expires_at == until
    assert order.id in render(again).text


@pytest.mark.parametrize("mail", ["voucher", "login", "x", ""])
def test_a_mail_that_the_order_never_had_is_refused(portal: Portal, app: Flask, mail: str) -> None:
    order = make_order(portal, state="analysed")
    assert act(member(portal, app), order, "resend", mail=mail).status_code == 422
    assert mails(portal, order) == []


def test_a_new_payment_link_goes_out_by_mail_and_opens_the_page(portal: Portal, app: Flask) -> None:
    order = make_order(portal, state="analysed", preview=PREVIEW, locale="en")
    with portal.database.transaction() as session:
        queue_mail(session, "choose_payment", order)
    client = member(portal, app)
    assert order.email in done(client, act(client, order, "pay-link", way="mail", reason="lost"), order)
    assert mails(portal, order) == ["choose_payment"] * 2
    text = render(mails_of(portal, order)[-1]).text
    found = re.search(rf"{portal.settings.public_url}(/orders/{order.id}/pay\?t=\S+)", text)
    assert found
    assert browser_of(app).get(found[1]).status_code == 200


def test_a_new_payment_link_is_shown_to_be_copied(portal: Portal, app: Flask, client: FlaskClient) -> None:
    """It opens the payment page and nothing else."""
    order = make_order(portal, state="analysed", preview=PREVIEW)
    desk = member(portal, app)
    page = done(desk, act(desk, order, "pay-link", way="here", reason="by phone"), order)
    found = re.search(rf"{portal.settings.public_url}(/orders/{order.id}/pay\?t=[\w.-]+)", page)
    assert found
    assert mails(portal, order) == []
    assert client.get(found[1]).status_code == 200
    token = found[1].partition("?")[2]
    assert client.get(f"/orders/{order.id}?{token}").status_code == 404
    assert client.get(f"/orders/{order.id}/files/result.zip?{token}").status_code == 404


@pytest.mark.parametrize(
    "columns",
    [
        {"state": "analysed", "money": "paid"},
        {"state": "waiting"},
        {"state": "uploaded"},
        {"state": "failed"},
        {"state": "uploaded", "charge": "before_analysis", "scan": None},
    ],
)
def test_what_can_not_be_paid_now_gets_no_link(portal: Portal, app: Flask, columns: dict[str, str]) -> None:
    order, client = make_order(portal, **columns), member(portal, app)
    assert "pay-link" not in client.get(f"/staff/orders/{order.id}").text
    answer = post(client, f"/staff/orders/{order.id}/do/pay-link", once=order.id, way="here", reason="by phone")
    assert answer.status_code == 422
    assert "/pay?t=" not in answer.text
