"""Who looks at an order: its owner, a stranger; and what their pages say."""

import re

from app.login.people import SESSION_COOKIE
from app.login.sessions import start_session
from app.models import Order
from tests.faults.house import House
from tests.faults.visitor import Visitor
from tests.helpers import wait_for

OPEN, VOUCHER, EXPIRED, CHOOSE = (
    "Your result is open",
    "Please pay at a convenience store",
    "The time to pay has passed",
    "Your result is ready",
)
"""Headlines of the order's page and words of the history."""


def logged_in(house: House, email: str) -> Visitor:
    """Give a browser that is logged in with a canonical address."""
    with house.portal.database.transaction() as session:
        secret, _ = start_session(session, email, "127.0.0.1", "tests", house.portal.clock())
    return Visitor(house.port, house.seen, {SESSION_COOKIE: secret})


def by_mail(house: House, typed: str) -> Visitor:
    """Log in as a person does: ask, take the link from the mail, press its button."""
    browser = house.visitor()

    def links() -> list[str]:
        texts = (mail["text"] for mail in house.sandbox.mails(typed.lower()))
        return [found[1] for text in texts if (found := re.search(r"//[^/]+(/login/\S+)", text))]

    before = len(links())
    browser.post("/login", {"csrf_token": browser.token("/login"), "email": typed})
    path = wait_for(lambda: links()[: -before or None], 60, f"the login mail to {typed}")[0]
    answer = browser.post(path, {"csrf_token": browser.token(path)})
    assert (answer.status, answer.location) == (303, "/history"), answer.text
    return browser


def history(browser: Visitor) -> str:
    """Return the page of the history in English."""
    answer = browser.get("/history?lang=en")
    assert answer.status == 200, answer.text
    return answer.text


def row_of(page: str, order: Order) -> str:
    """Return the one row of the history about an order."""
    rows = [row for row in page.split("<tr>") if f"/orders/{order.id}" in row]
    assert len(rows) == 1, page
    return rows[0]


def order_page(house: House, order: Order) -> str:
    """Return the order's page as the browser that ordered sees it, in English."""
    answer = house.visitor(order).get(f"/orders/{order.id}?lang=en")
    assert answer.status == 200, answer.text
    return answer.text


def says(house: House, order: Order, headline: str) -> None:
    """Wait until the order's page says it."""
    house.until(lambda: headline in order_page(house, order), 60, f"{headline!r} on the order's page")


def voucher(house: House, order: Order, **payer: str) -> str:
    """Go to Stripe and take a konbini voucher; return the Checkout Session's id once Stripe has it."""
    session_id = house.begin(order, "konbini")
    house.sandbox.control(f"sessions/{session_id}/issue_voucher", dict(payer))
    return session_id
