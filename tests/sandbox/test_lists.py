"""Lists: filters, cursors, limits, expand."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from tests.sandbox.conftest import Stripe

MANY = 250


@pytest.fixture(scope="module")
def many(api: Stripe) -> list[str]:
    """250 expired sessions of one address, oldest first."""
    found = []
    for _ in range(MANY):
        session = api.create(customer_email="many@example.com")
        api.sessions.expire(session.id)
        found.append(session.id)
    return found


def test_auto_paging_gives_every_session_once_newest_first(api: Stripe, many: list[str]) -> None:
    page = api.sessions.list({"customer_details": {"email": "many@example.com"}, "limit": 100})
    assert len(page.data) == 100
    assert page.has_more
    assert [session.id for session in page.auto_paging_iter()] == many[::-1]


def test_cursors_go_both_ways(api: Stripe, many: list[str]) -> None:
    where: Any = {"customer_details": {"email": "many@example.com"}, "limit": 3}
    after = api.sessions.list(where | {"starting_after": many[100]})
    assert [session.id for session in after] == [many[99], many[98], many[97]]
    before = api.sessions.list(where | {"ending_before": many[100]})
    assert [session.id for session in before] == [many[103], many[102], many[101]]
    last = api.sessions.list(where | {"starting_after": many[2]})
    assert ([session.id for session in last], last.has_more) == ([many[1], many[0]], False)


def test_ten_come_by_default_and_limits_are_1_to_100(api: Stripe, many: list[str]) -> None:
    assert len(api.sessions.list().data) == 10
    for limit in (0, 101):
        assert api.refusal(partial(api.sessions.list, {"limit": limit})).param == "limit"
    assert api.refusal(lambda: api.sessions.list({"starting_after": "cs_test_x"})).http_status == 404
    both: Any = {"starting_after": many[0], "ending_before": many[1]}
    assert api.refusal(lambda: api.sessions.list(both)).http_status == 400


def test_the_email_filter_is_exact_and_blind_to_open_sessions(api: Stripe) -> None:
    session = api.create(customer_email="Case+tag@Example.jp")

    def ids(email: str) -> list[str]:
        return [found.id for found in api.sessions.list({"customer_details": {"email": email}})]

    assert ids("Case+tag@Example.jp") == []
    api.control(f"sessions/{session.id}/issue_voucher")
    assert ids("Case+tag@Example.jp") == [session.id]
    assert ids("case+tag@example.jp") == []


def test_the_other_filters(api: Stripe) -> None:
    paid = api.paid_by_card()
    fresh = api.create()
    created = fresh.created

    def ids(**where: Any) -> list[str]:
        return [found.id for found in api.sessions.list(where)]  # type: ignore[arg-type]

    assert ids(payment_intent=paid.payment_intent.id) == [paid.id]  # type: ignore[union-attr]
    assert ids(customer=paid.customer) == [paid.id]
    assert ids(payment_link="plink_1") == []
    assert fresh.id in ids(status="open", limit=100)
    assert fresh.id not in ids(status="complete", limit=100)
    assert fresh.id in ids(created=created, limit=100)
    assert fresh.id in ids(created={"gte": created, "lt": created + 1}, limit=100)
    assert ids(created={"gt": created + 1}) == []
    assert fresh.id not in ids(created={"lt": created}, limit=100)
    assert api.refusal(lambda: ids(status="paid")).param == "status"
    assert api.refusal(lambda: ids(subscription="sub_1")).param == "subscription"


def test_expand_fills_in_objects_and_refuses_what_is_none(api: Stripe) -> None:
    paid = api.paid_by_card(customer_email="expand@example.com")
    paths = ["data.payment_intent.latest_charge.balance_transaction", "data.line_items", "data.customer"]
    (found,) = api.sessions.list({"customer_details": {"email": "expand@example.com"}, "expand": paths}).data
    assert found.id == paid.id
    assert found.payment_intent.latest_charge.balance_transaction.fee == 54  # type: ignore[union-attr]
    assert found.line_items is not None
    assert found.line_items.data[0].description == "CSVプロファイル"
    assert found.customer.email == "expand@example.com"  # type: ignore[union-attr]
    for path in ("amount_total", "currency", "nothing", "a.b.c.d.e"):
        error = api.refusal(partial(api.sessions.retrieve, paid.id, {"expand": [path]}))
        assert error.http_status == 400


def test_expanding_what_is_still_empty_gives_null(api: Stripe) -> None:
    session = api.sessions.retrieve(api.create().id, {"expand": ["payment_intent.latest_charge"]})
    assert session.payment_intent is None


def test_guests_are_no_customers(api: Stripe) -> None:
    guest = api.paid_by_card(customer_creation=None, customer_email="guest@example.com")
    assert guest.customer is None
    assert api.client.v1.customers.list({"email": "guest@example.com"}).data == []
    known = api.paid_by_card(customer_email="known@example.com")
    assert [one.id for one in api.client.v1.customers.list({"email": "known@example.com"})] == [known.customer]
    assert api.client.v1.customers.retrieve(str(known.customer)).email == "known@example.com"
    again = api.create(customer=known.customer, customer_email=None, customer_creation=None)
    assert again.customer == known.customer
