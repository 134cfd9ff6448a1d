"""What is asked of the list of orders: addresses, most with another value each time."""

import json
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from app.models import Order
from app.staff.listing.sorts import NEWEST
from bench.back_office.people import NOW, SPAN, Row

SAMPLE = 400
Rows = dict[str, list[Row]]


@dataclass(frozen=True)
class Sample:
    """Some of the orders of a database, with what hangs on them."""

    rows: list[Rows]
    dice: random.Random

    def order(self) -> Row:
        """Return one of the orders."""
        return self.dice.choice(self.rows)["orders"][0]

    def paid(self, table: str, *, konbini: bool = False) -> Row:
        """Return a row of a table that not every order has."""
        known = [row for rows in self.rows for row in rows[table] if not konbini or row["handling"]]
        return self.dice.choice(known)


def some_of(made: Iterable[Rows], count: int, kept: list[Rows]) -> Iterator[Rows]:
    """Pass orders on; keep some from all over the years, rare ones among them."""
    step = max(1, count // SAMPLE)
    for number, rows in enumerate(made):
        if number % step == 0 or (rows["refunds"] and number % 7 == 0):
            kept.append(rows)
        yield rows


def _list(**asked: str) -> str:
    return f"/staff/orders?{urlencode(asked)}"


def _place(order: Row) -> str:
    return NEWEST.place(Order(created_at=order["created_at"], id=order["id"]))


def _piece(text: str, length: int, dice: random.Random) -> str:
    at = dice.randrange(len(text) - length)
    return text[at : at + length]


def _day(sample: Sample) -> str:
    return f"{NOW - SPAN * sample.dice.random():%Y-%m-%d}"


def _week(sample: Sample) -> str:
    day = NOW - SPAN * sample.dice.random()
    return _list(since=f"{day:%Y-%m-%d}", until=f"{day + timedelta(days=6):%Y-%m-%d}")


Case = Callable[[Sample], str]
GOALS: dict[str, Case] = {
    "list": lambda _: _list(),
    "list, somewhere in it": lambda s: _list(after=_place(s.order())),
    "sort: oldest": lambda _: _list(sort="oldest"),
    "sort: paid last": lambda _: _list(sort="paid"),
    "sort: highest price": lambda _: _list(sort="dearest"),
    "filter: state delivered": lambda _: _list(state="delivered"),
    "filter: state failed": lambda _: _list(state="failed"),
    "filter: money refunded": lambda _: _list(money="refunded"),
    "filter: method konbini": lambda _: _list(method="konbini"),
    "filter: product photo-check": lambda _: _list(product="photo-check"),
    "filter: days, a week": _week,
    "filter: days, since": lambda s: _list(since=_day(s)),
    "filter: price of long ago": lambda _: _list(least="1000", most="1400"),
    "filter: price of nothing": lambda _: _list(least="2000"),
    "filter: needs attention": lambda _: _list(attention="1"),
    "search: OrderID": lambda s: _list(q=s.order()["id"]),
    "search: its first 8": lambda s: _list(q=s.order()["id"][:8]),
    "search: 8 from inside": lambda s: _list(q=_piece(s.order()["id"].replace("-", ""), 8, s.dice)),
    "search: 6 from inside": lambda s: _list(q=_piece(s.order()["id"].replace("-", ""), 6, s.dice)),
    "search: address": lambda s: _list(q=s.order()["email"]),
    "search: address, a piece": lambda s: _list(q=s.order()["email"].split("@")[0]),
    "search: domain": lambda _: _list(q="docomo.example"),
    "search: file name": lambda s: _list(q=s.order()["filename"]),
    "search: file name, a piece": lambda s: _list(q=s.order()["filename"][-12:-4]),
    "search: common piece": lambda _: _list(q=".csv"),
    "search: 2 of Japanese": lambda _: _list(q="売上"),
    "search: 2 words": lambda s: _list(q=f"csv {s.order()['email'].split('@')[0]}"),
    "search: 2 of no order": lambda _: _list(q="鮒寿"),
    "search: nothing": lambda s: _list(q=f"zq{s.dice.randrange(10**6):06}x"),
    "search: voucher": lambda s: _list(q=next(iter(_codes(s).values()))),
    "search: voucher, a piece": lambda s: _list(q=_codes(s)["payment_code"][2:10]),
    "search: Checkout Session": lambda s: _list(q=s.paid("payments")["session_id"]),
    "search: PaymentIntent": lambda s: _list(q=s.paid("payments")["payment_intent_id"]),
    "search: customer": lambda s: _list(q=s.paid("payments")["customer_id"]),
    "search: refund": lambda s: _list(q=s.paid("refunds")["id"]),
    "search: event": lambda s: _list(q=s.paid("stripe_events")["id"]),
    "order page": lambda s: f"/staff/orders/{s.order()['id']}",
}
BESIDE: dict[str, Case] = {
    "search: a month of long ago": lambda _: _list(q="_202311"),
    "search: a day of long ago": lambda _: _list(q="_20231110_"),
    "search: a name in a hundred": lambda _: _list(q="sakura.yoshida"),
    "search: 2 words, many orders": lambda _: _list(q="売上 sakura.yoshi"),
    "search and sort: a day, price": lambda _: _list(sort="dearest", q="_20231110_"),
    "two filters: delivered, unpaid": lambda _: _list(state="delivered", money="unpaid"),
    "two filters: failed, konbini": lambda _: _list(state="failed", method="konbini"),
    "two filters: analysed, konbini": lambda _: _list(state="analysed", method="konbini"),
    "filter and sort: failed, price": lambda _: _list(state="failed", sort="dearest"),
    "filter and sort: delivered, price": lambda _: _list(state="delivered", sort="cheapest"),
    "filter and search: failed, name": lambda s: _list(state="failed", q=s.order()["email"].split("@")[0]),
    "search and sort: name, price": lambda s: _list(sort="dearest", q=s.order()["filename"][-12:-4]),
    "method bank transfer": lambda _: _list(method="bank_transfer"),
    "inbox": lambda _: "/staff/attention",
    "inbox, its number": lambda _: "/staff/attention/count",
    "events": lambda _: "/staff/events",
    "numbers of 30 days": lambda _: "/staff/numbers?from=2026-09-25&to=2026-10-24",
    "numbers of a year": lambda _: "/staff/numbers?from=2025-10-30&to=2026-10-29",
}
"""No goal of the issue: filters together, what is found many times over, other pages."""


def _codes(sample: Sample) -> dict[str, str]:
    codes: dict[str, str] = json.loads(sample.paid("payments", konbini=True)["voucher"])["stores"]["lawson"]
    return codes
