"""The rows of the fault matrix that only recovery can mend: D2, P11, H2."""

from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.models import Finding, Order, StripeEvent
from app.recovery.report import open_findings
from tests.checkout.shop import audit, payments
from tests.helpers import free_port, reload, wait_for
from tests.recovery.company import Company
from tests.workers import worker_named

pytestmark = pytest.mark.faults


def mails(company: Company, order: Order) -> Counter[str]:
    """Count the mails that have arrived about an order, by subject."""
    return Counter(mail["subject"] for mail in company.sandbox.mails(order.email))


def is_delivered(company: Company, *orders: Order) -> bool:
    return all(reload(company.portal, order).state == "delivered" for order in orders)


def three_days_without_us(company: Company) -> tuple[Order, Order, Order]:
    """Let three customers pay, or not, while nobody listens; returns by card, at the till, not at all."""
    card, till, never = (company.analysed() for _ in range(3))
    by_card = company.begin_to_pay(card)
    vouchers = [company.begin_to_pay(order, "konbini") for order in (till, never)]
    company.portal.database.close()
    company.sandbox.control(f"sessions/{by_card}/pay_card")
    for voucher in vouchers:
        company.sandbox.control(f"sessions/{voucher}/issue_voucher")
    company.sandbox.control("time/advance", {"days": 2})
    company.sandbox.control(f"sessions/{vouchers[0]}/pay_at_till")
    company.sandbox.control("time/advance", {"days": 3})
    return card, till, never


def all_is_as_stripe_shows(company: Company, card: Order, till: Order, never: Order) -> None:
    wait_for(lambda: is_delivered(company, card, till), 60, "both results")
    wait_for(lambda: payments(company.portal, never)[0].state == "failed", 60, "the voucher's end")
    assert reload(company.portal, never).money == "unpaid"
    for order in (card, till):
        assert audit(company.portal, order).count("money.paid") == 1
        wait_for(lambda order=order: mails(company, order), 30, "the mail")  # type: ignore[misc]
        assert max(mails(company, order).values()) == 1
    with company.portal.database.transaction() as session:
        assert open_findings(session) == []


def test_d2_database_down_for_five_days(far_company: Company, folder: Path) -> None:
    """Stripe gave up on every event; the first worker that starts finds all money and all ends."""
    address = f"http://127.0.0.1:{free_port()}/webhooks/stripe"
    far_company.sandbox.control("endpoints", {"url": address, "secret": far_company.sandbox.webhook_secret})
    orders = three_days_without_us(far_company)
    with worker_named("afterwards", far_company.environment, folder):
        all_is_as_stripe_shows(far_company, *orders)
        with far_company.portal.database.transaction() as session:
            wait_for(lambda: session.scalar(select(func.count()).select_from(StripeEvent)), 30, "missed events")


def test_p11_no_endpoint_at_stripe(far_company: Company, folder: Path) -> None:
    """No event is ever delivered, nor counted as undelivered: only reading the sessions can know."""
    orders = three_days_without_us(far_company)
    with worker_named("afterwards", far_company.environment, folder):
        all_is_as_stripe_shows(far_company, *orders)


def test_h2_a_backup_six_hours_old(far_company: Company, folder: Path) -> None:
    """What was uploaded, paid and delivered since the backup is there again; a mail goes out once more at most."""
    company = far_company
    before, opened, waiting = company.bought()[0], company.analysed(), company.upload(arrives=False)
    session_id = company.begin_to_pay(opened)
    copy = company.back_up()
    with worker_named("before", company.environment, folder):
        company.sandbox.control(f"sessions/{session_id}/pay_card")
        company.portal.stripe.retrieve_session(session_id)
        company.browser(opened).get(f"/orders/{opened.id}/return", query_string={"session_id": session_id})
        company.send(waiting)
        new, awaiting = company.upload(), company.upload()
        for order in (waiting, new, awaiting):
            wait_for(lambda order=order: reload(company.portal, order).state == "analysed", 60, "the analysis")  # type: ignore[misc]
        for order in (waiting, new):
            paid_since = company.pay_at_stripe(order)
            company.browser(order).get(f"/orders/{order.id}/return", query_string={"session_id": paid_since})
        voucher = company.begin_to_pay(awaiting, "konbini")
        company.sandbox.control(f"sessions/{voucher}/issue_voucher")
        company.browser(awaiting).get(f"/orders/{awaiting.id}/return", query_string={"session_id": voucher})
        sold = (before, opened, waiting, new)
        wait_for(lambda: is_delivered(company, *sold), 60, "the results")
        wait_for(lambda: all(len(company.sandbox.mails(o.email)) >= 2 for o in sold[2:]), 60, "the mails")
        wait_for(lambda: len(company.sandbox.mails(awaiting.email)) >= 2, 60, "the voucher's mail")

    company.open_ledger(copy)
    assert reload(company.portal, opened).money == "unpaid"
    company.sandbox.control("time/advance", {"hours": 6})
    with worker_named("after", company.environment, folder):
        wait_for(lambda: company.rows(Order).keys() >= {new.id, awaiting.id}, 60, "the new orders")
        wait_for(lambda: is_delivered(company, *sold), 60, "the results")
        wait_for(lambda: [p.state for p in payments(company.portal, awaiting)] == ["awaiting"], 60, "the voucher")
        wait_for(lambda: reload(company.portal, new).money == "paid", 30, "the new order's money")
    for order in sold:
        assert company.browser(order).get(f"/orders/{order.id}/files/result.zip").status_code == 302
    for order in (*sold, awaiting):
        assert max(mails(company, order).values()) <= 2
    assert all(row["closed_at"] for row in company.rows(Finding).values())
