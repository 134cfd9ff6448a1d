"""Correcting the address of one order: who sees it then, who is told, what stays."""

import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.kit.ids import digest, new_id, new_secret
from app.mail.jobs import render
from app.mail.letters import NotNeededError
from app.models import Mail, Order, StaffMember
from app.orders.jobs import keep_record
from app.orders.owners import former_addresses
from app.orders.records import key_of
from app.portal import Portal
from tests.cast import browser_of
from tests.checkout.shop import order_of
from tests.helpers import make_order, reload
from tests.login.steps import log_in, set_cookie
from tests.staff.desk import act, done, entries, mails_to, member


def correct(portal: Portal, app: Flask, order: Order, new: str) -> str:
    """Correct the address as staff; return the order's page."""
    client = member(portal, app)
    return done(client, act(client, order, "email", email=new, reason="misspelt"), order)


def test_this_order_moves_and_the_others_stay(portal: Portal, app: Flask, client: FlaskClient, email: str) -> None:
    """Whoever proves the new address opens it; whoever has the old one does not any more."""
    order, other = (make_order(portal, email=email, state="analysed") for _ in range(2))
    new = f"new-{email}"
    log_in(client, portal, email)
    assert client.get(f"/orders/{order.id}").status_code == 200
    page = correct(portal, app, order, new.upper())
    assert new in page
    assert (reload(portal, order).email, reload(portal, other).email) == (new, email)
    assert client.get(f"/orders/{order.id}").status_code == 404
    assert order.id not in client.get("/history").text
    assert client.get(f"/orders/{other.id}").status_code == 200
    owner = browser_of(app)
    log_in(owner, portal, new)
    assert owner.get(f"/orders/{order.id}").status_code == 200
    assert order.id in owner.get("/history").text
    assert owner.get(f"/orders/{other.id}").status_code == 404


def test_the_confirm_page_says_how_many_orders_stay(portal: Portal, app: Flask, email: str) -> None:
    order, *_ = (make_order(portal, email=email) for _ in range(3))
    page = member(portal, app).get(f"/staff/orders/{order.id}/do/email").text
    assert "Other orders of this address, which stay</dt><dd>2</dd>" in page


def test_the_browser_that_ordered_goes_on_until_the_new_address_is_proved(
    portal: Portal, app: Flask, client: FlaskClient, email: str
) -> None:
    claim, new = new_secret(), f"new-{email}"
    set_cookie(client, "claim", claim)
    order = make_order(portal, email=email, claim_hash=digest(claim))
    correct(portal, app, order, new)
    assert client.get(f"/orders/{order.id}").status_code == 200
    log_in(browser_of(app), portal, new)
    assert client.get(f"/orders/{order.id}").status_code == 303


def test_an_order_whose_address_was_proved_is_not_opened_again_for_the_browser(
    portal: Portal, app: Flask, client: FlaskClient, email: str
) -> None:
    order = order_of(portal, client, email=email, proved_at=portal.clock())
    correct(portal, app, order, f"new-{email}")
    assert client.get(f"/orders/{order.id}").status_code == 303


def test_both_addresses_are_told(portal: Portal, app: Flask, email: str) -> None:
    """The old one without any word about the order but its number, the new one with how to get in."""
    order, new = make_order(portal, email=email, locale="en", filename="secret plans.csv"), f"new-{email}"
    correct(portal, app, order, new)
    assert mails_to(portal, email) == ["address_corrected_old"]
    assert mails_to(portal, new) == ["address_corrected"]
    with portal.database.transaction() as session:
        old_mail, new_mail = (session.scalars(select(Mail).where(Mail.to == address)).one() for address in (email, new))
    for part in (render(old_mail).text, render(old_mail).html):
        assert order.id in part
        assert "n***@example.jp" in part
        assert new not in part
        assert "secret plans" not in part
        assert portal.catalog.portal.support_email in part
    for part in (render(new_mail).text, render(new_mail).html):
        assert "/login?next=orders.show&" in part.replace("&amp;", "&")
        assert "secret plans.csv" in part
        assert email not in part.replace(new, "")
    with portal.database.transaction() as session:
        session.get_one(Order, order.id).erased_at = portal.clock()
    with pytest.raises(NotNeededError):
        render(old_mail)


def test_mails_that_wait_go_to_the_new_address(portal: Portal, app: Flask, email: str) -> None:
    """What was sent stays as it was."""
    order = make_order(portal, email=email, state="analysed")
    columns = {"order_id": order.id, "to": email, "locale": "ja", "params": {}, "created_at": portal.clock()}
    states = {"choose_payment": "sent", "result_open": "queued", "analysis_failed": "failed"}
    with portal.database.transaction() as session:
        for kind, state in states.items():
            session.add(Mail(id=new_id(), dedup_key=new_id(), kind=kind, state=state, **columns))
    correct(portal, app, order, f"new-{email}")
    assert mails_to(portal, email) == ["choose_payment", "address_corrected_old"]
    assert set(mails_to(portal, f"new-{email}")) == {"result_open", "analysis_failed", "address_corrected"}


def test_a_rebuilt_ledger_knows_the_new_address_and_stripe_is_not_asked_for_the_old_one(
    portal: Portal, app: Flask, email: str
) -> None:
    order, new = make_order(portal, email=email, uploaded_at=portal.clock()), f"new-{email}"
    correct(portal, app, order, new)
    assert portal.jobs.client.list_workflows(workflow_id_prefix=f"orders.record:{order.id}")
    keep_record(order.id)
    record: dict[str, Any] = json.loads(portal.storage.get(key_of("order", order.id)))
    assert record["email"] == new
    with portal.database.transaction() as session:
        assert former_addresses(session, new) == {}


def test_it_is_undone_by_correcting_it_back(portal: Portal, app: Flask, email: str) -> None:
    order = make_order(portal, email=email)
    correct(portal, app, order, f"new-{email}")
    correct(portal, app, order, email)
    assert reload(portal, order).email == email
    assert [(entry["old"], entry["new"], entry["reason"]) for entry in entries(portal, order, "staff.email")] == [
        ("t***@example.jp", "n***@example.jp", "misspelt"),
        ("n***@example.jp", "t***@example.jp", "misspelt"),
    ]


@pytest.mark.parametrize("typed", ["x", "a@b", "a b@example.jp", "a@example.jp, b@example.jp", "ａ@example.jp"])
def test_what_is_no_address_is_refused(portal: Portal, app: Flask, typed: str) -> None:
    order = make_order(portal)
    answer = act(member(portal, app), order, "email", email=typed, reason="r")
    assert answer.status_code == 422
    assert "name@example.jp" in answer.text
    assert reload(portal, order).email == order.email


def test_the_same_address_and_one_of_staff_are_refused(portal: Portal, app: Flask, email: str) -> None:
    """AC-S04: nobody gives a customer's result to themselves this way."""
    order, client, colleague = make_order(portal), member(portal, app), f"colleague-{email}"
    with portal.database.transaction() as session:
        session.add(StaffMember(email=colleague, role="viewer", created_at=portal.clock()))
    for address, told in ((order.email, "already"), (colleague, "member of staff")):
        answer = act(client, order, "email", email=address, reason="r")
        assert answer.status_code == 422
        assert told in answer.text
    assert reload(portal, order).email == order.email
    assert mails_to(portal, order.email) == []
