"""GET and HEAD change nothing (AC-H04): the whole database before and after each route, for each kind of person."""

from itertools import product
from typing import Any

import pytest
from flask import Flask, current_app
from sqlalchemy import MetaData, Table, inspect, select

from app.portal import Portal
from tests.cast import Cast, browser_of, deliver, make_cast
from tests.fuzz.routes import address, rules

Rows = dict[str, list[tuple[Any, ...]]]

# What may differ, and why. Columns first: that somebody was here.
SEEN = {"login_sessions": {"seen_at"}}
# Routes that note that they were asked: no state of an order, a payment or a person follows from these.
NOTES = {
    "delivery.download": {"audit"},  # each download is an entry of the order's log
    # who looked at a customer's order, or at a mail to them, is in the staff log (AC-S05)
    "staff.order": {"staff_log", "marks"},
    "staff_order.mail": {"staff_log", "marks"},
    "history.index": {"stripe_history"},  # what Stripe was asked a moment ago is kept for a while
}


def tables_of(portal: Portal) -> list[Table]:
    """Read what tables there are, those of the job queue too."""
    engine = portal.database.engine
    look = inspect(engine)
    schemas = [schema for schema in look.get_schema_names() if schema != "information_schema"]
    return [
        Table(name, MetaData(), schema=schema, autoload_with=engine)
        for schema in schemas
        for name in look.get_table_names(schema)
    ]


def snapshot(portal: Portal, tables: list[Table]) -> Rows:
    """Read all rows of all tables."""
    with portal.database.engine.connect() as connection:
        return {
            table.name: sorted(
                map(tuple, connection.execute(select(*(c for c in table.c if c.name not in SEEN.get(table.name, ()))))),
                key=repr,
            )
            for table in tables
        }


@pytest.fixture
def house(own_house: tuple[Portal, dict[str, str]]) -> tuple[Portal, Flask, Cast]:
    """Give a portal of its own with people and orders; nobody else writes into its database."""
    portal = own_house[0]
    cast = make_cast(portal)
    deliver(portal, cast)
    return portal, current_app._get_current_object(), cast  # type: ignore[attr-defined]  # noqa: SLF001


def test_ac_h04_no_get_changes_anything(house: tuple[Portal, Flask, Cast]) -> None:
    """The whole database before and after a GET and a HEAD of each route of the URL map, for each kind of person."""
    portal, app, cast = house
    order = next(order for key, order in cast.orders.items() if key.startswith("open/delivered/paid"))
    values = {"order_id": order.id, "name": "result.zip", "filename": "dist/app.css", "token": "x" * 43}
    changed, answered, tables = [], 0, tables_of(portal)
    before = snapshot(portal, tables)
    for kind in cast.cookies:
        client = cast.enter(browser_of(app), kind)
        for rule, method in product(rules(app, "GET"), ("GET", "HEAD")):
            answered += client.open(address(rule, values), method=method, buffered=True).status_code == 200
            after = snapshot(portal, tables)
            other = {name for name in after if after[name] != before[name]} - NOTES.get(rule.endpoint, set())
            changed += [f"{kind}: {method} {rule.rule}: {sorted(other)}"] if other else []
            before = after
    assert changed == []
    assert {table.fullname for table in tables_of(portal)} == {table.fullname for table in tables}
    assert answered > 40
