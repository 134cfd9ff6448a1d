"""Actions on an order in Chromium: a mail once more, another address, closed downloads by keyboard, many orders."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from app.kit.ids import new_id
from app.mail.service import queue_mail
from app.models import Mail, Order
from app.portal import Portal
from tests.browser.look import Look
from tests.browser.test_staff_order import enter
from tests.helpers import Sandbox, make_order, make_payment, reload, wait_for

pytestmark = pytest.mark.browser


@pytest.fixture(params=[("ja-JP", 1280, "light"), ("en-US", 390, "dark")], ids=["desktop", "phone"])
def page(request: pytest.FixtureRequest, new_browser: Callable[..., Page], portal: Portal, live: str) -> Page:
    """Give a browser in which an admin is logged in, at a desk or with a phone."""
    locale, width, theme = request.param
    opened = new_browser(locale, width, refusals=True)
    opened.emulate_media(color_scheme=theme)
    enter(opened, portal, live, "admin")
    return opened


def open_action(page: Page, order: Order, key: str) -> None:
    """Go to the order's page and from there to an action."""
    page.goto(f"/staff/orders/{order.id}")
    page.click(f'a[href$="/do/{key}"]')
    page.wait_for_url(f"**/do/{key}")


def press(page: Page, order: Order) -> None:
    """Press the button of the confirm page and come back to the order's page."""
    page.click("main form.panel button.button")
    page.wait_for_url(f"**/staff/orders/{order.id}")


def test_one_order(page: Page, portal: Portal, sandbox: Sandbox, shots: Path, email: str) -> None:
    """Every page on the way is audited and none scrolls sideways."""
    look = Look(page, shots)
    order = make_order(portal, email=email, state="analysed")
    with portal.database.transaction() as session:
        queue_mail(session, "choose_payment", order)
    wait_for(lambda: len(sandbox.mails(email)) == 1, what="the first mail")
    open_action(page, order, "resend")
    look("action-resend")
    press(page, order)
    look("action-done")
    wait_for(lambda: len(sandbox.mails(email)) == 2, what="the mail once more")

    open_action(page, order, "email")
    look("action-email")
    page.fill("#email", "nonsense@")
    page.fill("#reason", "misspelt")
    page.locator("main form.panel").evaluate("form => { form.noValidate = true }")
    page.click("main form.panel button.button")
    expect(page.locator("#email-error")).to_be_visible()
    expect(page.locator("#reason")).to_have_value("misspelt")
    look("action-email-wrong")
    page.fill("#email", f"new-{email}")
    press(page, order)
    assert reload(portal, order).email == f"new-{email}"
    for address in (email, f"new-{email}"):
        wait_for(lambda address=address: len(sandbox.mails(address)) in {1, 3}, what="the notices")  # type: ignore[misc]

    open_action(page, order, "erase")
    look("action-erase")
    assert look.found == []


def test_the_downloads_by_keyboard(page: Page, portal: Portal, shots: Path) -> None:
    order = make_order(portal, state="delivered", money="paid", kept_until=portal.clock(), delivery={"files": []})
    make_payment(portal, order, state="paid")
    look = Look(page, shots)
    for key, closed in (("close-downloads", True), ("open-downloads", False)):
        page.goto(f"/staff/orders/{order.id}")
        page.focus(f'a[href$="/do/{key}"]')
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/do/{key}")
        look(key)
        page.focus("#reason")
        page.keyboard.type("looked into")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/staff/orders/{order.id}")
        assert (reload(portal, order).downloads_closed_at is not None) == closed
    assert look.found == []


def test_many_orders(page: Page, portal: Portal, shots: Path) -> None:
    """Ticked in the list; one of them has no such mail, which is told and holds up no other."""
    mark, look = new_id()[:13], Look(page, shots)
    orders = [make_order(portal, filename=f"{mark}-{number}.csv", state="analysed") for number in range(3)]
    for order in orders[:2]:
        with portal.database.transaction() as session:
            queue_mail(session, "choose_payment", order)
    page.goto(f"/staff/orders?q={mark}")
    for box in page.locator('tbody input[name="order"]').all():
        box.check()
    page.click('button[formaction$="/do/resend"]')
    page.wait_for_url("**/staff/orders/do/resend")
    look("bulk")
    page.click("main form.panel button.button")
    expect(page.locator("main table tbody tr")).to_have_count(3)
    expect(page.locator("main .badge.warn")).to_have_count(1)
    look("bulk-done")
    with portal.database.transaction() as session:
        sent = session.scalars(select(Mail.order_id).where(Mail.order_id.in_([order.id for order in orders]))).all()
    assert sorted(map(str, sent)) == sorted([order.id for order in orders[:2]] * 2)
    assert look.found == []
