"""How often one network address may ask for what, as data (AC-H07); login mails have limits of their own (AC-L08).

Counted with the `limits` library in fixed windows: across the border of two windows, twice as much may pass.
"""

import time
from dataclasses import dataclass

from flask import Flask, current_app, request
from limits import parse_many
from limits.storage import MemoryStorage, Storage
from limits.strategies import FixedWindowRateLimiter

from app.errors import TooManyError
from app.kit.networks import network_of
from app.portal import portal
from app.web.counts import DatabaseCounts


@dataclass(frozen=True)
class Limit:
    """`per`: the library's notation. `shared`: all web processes count together (RATE_LIMIT_STORE), else each its own.

    What is asked every few seconds is not worth a write to the database each time.
    """

    per: str
    methods: tuple[str, ...] = ("POST",)
    shared: bool = True


_OFFICE = Limit("120/minute", ("GET", "POST"), shared=False)  # of a page; one office has one network
_OFFICE_ROOMS = (
    "staff_list", "staff_order", "staff_actions", "staff_refunds", "staff_attention", "staff_numbers", "staff_people",
    "staff_log", "staff_view_as",
)  # fmt: skip

# By endpoint, else by room (blueprint).
LIMITS = {
    "intake.create": Limit("6/minute;30/hour"),
    "intake.sign": Limit("2000/hour", shared=False),  # one for each part of a large file
    "intake.uploaded": Limit("300/hour", shared=False),
    "intake.resume": Limit("300/hour", shared=False),
    "checkout.pay": Limit("8/minute;30/hour"),  # card testing (AC-H18)
    "checkout.returned": Limit("120/minute", ("GET",), shared=False),  # each asks Stripe
    "orders.status": Limit("600/minute", ("GET",), shared=False),
    "history.index": Limit("60/minute", ("GET",), shared=False),  # each asks Stripe
    "privacy.export": Limit("20/hour", ("GET",)),
    "reports.collect": Limit("60/minute", shared=False),
    "staff_login": Limit("10/minute;60/hour"),  # wrong codes are bounded by themselves, for each member of staff
    "staff": Limit("600/minute", ("GET", "POST"), shared=False),
    **dict.fromkeys(_OFFICE_ROOMS, _OFFICE),
}
OTHER_FORMS = Limit("30/minute;300/hour")  # account, and whatever is built next
UNLIMITED = {
    "webhooks.stripe": "Stripe sends bursts from few addresses, and its signature is checked first (AC-H07)",
    "login.ask": "counted in the database by address, network and in all (AC-L08)",
    "login.code": "five tries a request; who has the mail is never locked out (AC-L08)",
    "login.link": "a secret of 256 bits; who has the mail is never locked out (AC-L08)",
    "login.logout": "who wants to leave may",
}


def limit_of(endpoint: str, method: str) -> Limit | None:
    """Return the limit on a route, or None."""
    limit = LIMITS.get(endpoint) or LIMITS.get(endpoint.partition(".")[0])
    if limit is None and endpoint not in UNLIMITED and method == "POST":
        return OTHER_FORMS
    return limit if limit and method in limit.methods else None


def limits_on() -> bool:
    """Tell whether this portal counts: the tests of everything else come from one address."""
    return bool(current_app.config["RATELIMIT_ENABLED"])


def network_mark() -> str:
    """Return a mark of the asking network that only the holder of the portal's key can make: no address is kept."""
    network = network_of(request.remote_addr or "")
    return portal.signer.derive("network", network)[0].hex()[:32]


def init_limits(app: Flask, store: str) -> None:
    """Count before the rooms see a request. `store`: RATE_LIMIT_STORE, memory:// or database://."""
    here = MemoryStorage()
    shared: Storage = DatabaseCounts(app) if store == "database://" else here
    counters = {True: FixedWindowRateLimiter(shared), False: FixedWindowRateLimiter(here)}

    @app.before_request
    def count() -> None:
        limit = limit_of(request.endpoint or "", request.method)
        if limit is None or not limits_on():
            return
        who = (str(request.endpoint), network_mark())
        counter = counters[limit.shared]
        for item in parse_many(limit.per):
            if not counter.hit(item, *who):
                raise TooManyError(max(1, int(counter.get_window_stats(item, *who).reset_time - time.time()) + 1))
