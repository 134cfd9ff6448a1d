"""Staff send money back in Chromium: by card, by konbini with both outcomes, and with a second person; a transfer."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from app.kit.ids import new_id
from app.login.people import SESSION_COOKIE
from app.models import Order, Payment, Refund, StaffMember
from app.portal import Portal
from tests.browser.look import Look
from tests.cast import HOST, staff_session
from tests.checkout.shop import put_result, session_for
from tests.helpers import Sandbox, make_order, reload, wait_for

pytestmark = pytest.mark.browser

WAITS = {"ja-JP": "お客さまの口座", "en-US": "bank account"}


def refunder(portal: Portal, page: Page) -> Page:
    """Make a browser that of another member of staff who may refund."""
    email = f"refunder-{new_id()[:13]}@kaiseki.example"
    with portal.database.transaction() as session:
        session.add(StaffMember(email=email, role="refunder", created_at=portal.clock()))
        session.flush()
        secret = staff_session(portal, session, email)
    page.context.add_cookies([{"name": SESSION_COOKIE, "value": secret, "domain": HOST, "path": "/"}])
    return page


def bought(portal: Portal, sandbox: Sandbox, method: str = "card", price: int = 1500) -> Order:
    """Give an order that was paid, and whose result was delivered."""
    order = make_order(portal, state="analysed", price=price, size=100)
    put_result(portal, order)
    _, session_id = session_for(portal, order, method=method)
    if method == "card":
        sandbox.control(f"sessions/{session_id}/pay_card")
    else:
        sandbox.control(f"sessions/{session_id}/issue_voucher")
        sandbox.control(f"sessions/{session_id}/pay_at_till")
    wait_for(lambda: reload(portal, order).state == "delivered", what="the delivery")
    return order


def fill_in(page: Page, order: Order, key: str, fields: dict[str, str]) -> None:
    """Go from the order's page to an action, and send its form."""
    page.goto(f"/staff/orders/{order.id}")
    page.click(f"a[href='/staff/orders/{order.id}/do/{key}']")
    for name, value in fields.items():
        page.fill(f"#{name}", value)
    page.click("main form.panel button")
    page.wait_for_url(f"**/staff/orders/{order.id}")


def refund_of(portal: Portal, order: Order) -> Refund | None:
    with portal.database.transaction() as session:
        query = select(Refund).join(Payment, Payment.id == Refund.payment_id).where(Payment.order_id == order.id)
        return session.scalars(query).one_or_none()


@pytest.mark.parametrize(
    ("locale", "width", "theme"), [("ja-JP", 1280, "light"), ("en-US", 390, "dark")], ids=["desktop", "phone"]
)
def test_refunds_and_a_bank_transfer(
    new_browser: Callable[..., Page],
    sandbox: Sandbox,
    portal: Portal,
    shots: Path,
    locale: str,
    width: int,
    theme: str,
) -> None:
    """Every page on the way is audited, none scrolls sideways."""
    page, other = (refunder(portal, new_browser(locale, width)) for _ in range(2))
    for one in (page, other):
        one.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    look, look_at_other = Look(page, shots), Look(other, shots)

    # By card, in full.
    order = bought(portal, sandbox)
    page.goto(f"/staff/orders/{order.id}/do/refund")
    look("refund")
    fill_in(page, order, "refund", {"amount": "1500", "reason": "結果に誤り"})
    wait_for(lambda: reload(portal, order).money == "refunded", what="the refund of the card")
    page.reload()
    look("refunded")

    # By konbini: both outcomes.
    for outcome in ("succeeded", "failed"):
        order = bought(portal, sandbox, "konbini")
        fill_in(page, order, "refund", {"amount": "1500", "reason": "結果に誤り"})
        refund = wait_for(lambda order=order: refund_of(portal, order), what="the refund")  # type: ignore[misc]
        page.reload()
        expect(page.locator("#payments")).to_contain_text(WAITS[locale])
        sandbox.control(f"refunds/{refund.id}/outcome", {"status": outcome})
        ends = "refunded" if outcome == "succeeded" else "paid"
        wait_for(
            lambda order=order: refund_of(portal, order).state == outcome and reload(portal, order).money == ends,  # type: ignore[misc, union-attr]  # noqa: B023
            what=f"the end of the refund: {outcome}",
        )
        page.reload()
        look(f"konbini-{outcome}")

    # Above the amount of one person.
    order = bought(portal, sandbox, price=12_000)
    fill_in(page, order, "refund", {"amount": "12000", "reason": "結果に誤り"})
    page.click(f"a[href='/staff/orders/{order.id}/refunds']")
    look("own-request")
    expect(page.locator("input[value=agree]")).to_have_count(0)
    other.goto(f"/staff/orders/{order.id}/refunds")
    look_at_other("request")
    other.click("form:has(input[value=agree]) button")
    wait_for(lambda: reload(portal, order).money == "refunded", what="the large refund")
    look_at_other("agreed")

    # A bank transfer.
    order = make_order(portal, state="analysed", size=100)
    put_result(portal, order)
    page.goto(f"/staff/orders/{order.id}/do/transfer")
    look("transfer")
    fill_in(page, order, "transfer", {"amount": "1500", "reference": "11-20 7", "reason": "請求書払い"})
    wait_for(lambda: reload(portal, order).state == "delivered", what="the result")
    assert look.found + look_at_other.found == []
