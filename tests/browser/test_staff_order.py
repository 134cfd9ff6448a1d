"""The order's page in Chromium: a part of the timeline without a reload, a note by keyboard, a mail, a file."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app.kit.ids import new_id
from app.login.people import SESSION_COOKIE
from app.models import Mail, Order, StaffMember, StripeEvent
from app.orders.lifecycle import record
from app.portal import Portal
from tests.browser.look import Look
from tests.cast import staff_session
from tests.helpers import make_payment
from tests.staff.test_order_files import BODY, order_with_files

pytestmark = pytest.mark.browser


def enter(page: Page, portal: Portal, live: str, role: str = "support") -> None:
    """Make the browser that of a member of staff who gave the second factor a moment ago."""
    email = f"staff-{new_id()[:13]}@kaiseki.example"
    with portal.database.transaction() as session:
        session.add(StaffMember(email=email, role=role, created_at=portal.clock()))
        session.flush()
        secret = staff_session(portal, session, email)
    page.context.add_cookies([{"name": SESSION_COOKIE, "value": secret, "url": live}])


def eventful(portal: Portal) -> Order:
    """Make an order that something has happened to, from every side."""
    order = order_with_files(portal)
    payment = make_payment(portal, order, state="paid", payment_intent_id=f"pi_{new_id()}", paid_at=portal.clock())
    now = portal.clock()
    with portal.database.transaction() as session:
        record(session, order.id, "order.created", "customer", now)
        record(session, order.id, "payment.paid", "stripe", now, method="card", amount=1500)
        record(session, order.id, "work.analysed", "worker", now)
        session.add(
            StripeEvent(
                id=f"evt_{new_id().replace('-', '')}", type="checkout.session.completed", object_id=payment.session_id,
                state="handled", payload='{"email": "taro@example.jp"}', received_at=now,
            )
        )  # fmt: skip
        session.add(
            Mail(
                id=new_id(), dedup_key=new_id(), kind="choose_payment", order_id=order.id, to=order.email, locale="ja",
                params={}, state="sent", subject="お支払い方法のご案内", text="本文\nhttps://x.example/pay?t=secret\n",
                created_at=now, sent_at=now,
            )
        )  # fmt: skip
    return order


@pytest.mark.parametrize(
    ("locale", "width", "theme"), [("ja-JP", 1280, "light"), ("en-US", 390, "dark")], ids=["desktop", "phone"]
)
def test_an_order_from_every_side(
    new_browser: Callable[..., Page], portal: Portal, live: str, shots: Path, locale: str, width: int, theme: str
) -> None:
    """Every page of it is audited, none scrolls sideways; the timeline is filtered in place; a note needs no mouse."""
    page, order = new_browser(locale, width), eventful(portal)
    look = Look(page, shots)
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    enter(page, portal, live)

    page.goto(f"/staff/orders/{order.id}")
    look("order-page")
    rows = page.locator("#timeline tbody tr")
    expect(rows).to_have_count(5)
    page.evaluate("window.sameDocument = true")
    page.click("#timeline .lanes a[href*='show=stripe']")
    expect(rows).to_have_count(2)
    expect(page.locator("#timeline [aria-current]")).to_have_count(1)
    assert "show=stripe" in page.url
    assert page.evaluate("window.sameDocument"), "the page was not loaded anew"

    page.focus("#note")
    page.keyboard.type("電話で確認済み")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**#notes")
    expect(page.locator("#notes article")).to_have_count(1)
    look("order-with-note")

    page.click("#mails a")
    expect(page.locator("main")).to_contain_text("pay?t=***")
    look("order-mail")

    page.goto(f"/staff/orders/{order.id}/files")
    look("order-file-asked-for")
    page.fill("#reason", "お問い合わせ 4711")
    with page.expect_download() as download:
        page.click("main form.panel button.button")
    assert download.value.path().read_bytes() == BODY
    assert download.value.suggested_filename == order.filename
    page.goto(f"/staff/orders/{order.id}?show=staff")
    expect(page.locator("#timeline")).to_contain_text("お問い合わせ 4711")
    assert look.found == []
