"""Where a login may lead: names of our own pages and an OrderID, never an address (AC-L16).

There is nothing to check in a URL because no URL is taken: "//evil.example" is no name of a page.
"""

from dataclasses import dataclass

from flask import url_for

from app.kit.ids import is_uuid

# Name of the page -> whether it is about one order.
PAGES = {
    "history.index": False,
    "login.account": False,
    "login.address.change": False,
    "orders.show": True,
    "checkout.choose": True,
    "privacy.delete": False,
    "staff.orders": False,
    "staff.order": True,
    "staff.end_sessions": True,
    "staff_order.files": True,
    "staff_refunds.show": True,
    "staff.events": False,
    "staff_attention.index": False,
    "staff.findings": False,
    "staff_people.index": False,
    "staff_view_as.begin": True,
    "staff_login.factor": False,
    "staff_login.phone": False,
    "staff_login.new_codes": False,
}
DEFAULTS = {"customer": "history.index", "staff": "staff.orders"}


@dataclass(frozen=True)
class Destination:
    """A page of the list; both parts are None for "wherever this person starts"."""

    endpoint: str | None = None
    order_id: str | None = None

    def address(self, kind: str) -> str:
        """Return the page's path for a person of a kind."""
        endpoint = self.endpoint or DEFAULTS[kind]
        return url_for(endpoint, order_id=self.order_id) if PAGES[endpoint] else url_for(endpoint)


def destination(endpoint: str | None, order_id: str | None) -> Destination:
    """Return the page that was asked for, or the empty destination for anything that is not on the list."""
    if endpoint not in PAGES:
        return Destination()
    if not PAGES[endpoint]:
        return Destination(endpoint)
    if not order_id or not is_uuid(order_id):
        return Destination()
    return Destination(endpoint, order_id)
