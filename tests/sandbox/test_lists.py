"""Lists: filters, cursors, limits, expand; what the switches let them see; many sessions."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sandbox.stripe import switches
from sandbox.stripe.call import Call
from sandbox.stripe.objects import session as sessions
from sandbox.stripe.store import Json, Store, Tx
from tests.sandbox.conftest import Stripe, line_item
from tests.sandbox.seed import fill

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


@contextmanager
def _switched(api: Stripe, **switches: Any) -> Iterator[None]:
    before = api.control("settings")
    api.control("settings", switches)
    try:
        yield
    finally:
        api.control("settings", {name: before[name] for name in switches})


def _of(api: Stripe, email: str, **where: Any) -> list[str]:
    params: Any = {"customer_details": {"email": email}, "limit": 100, **where}
    return [found.id for found in api.sessions.list(params)]


def test_the_email_filter_minds_the_case_or_not(api: Stripe) -> None:
    session = api.paid_by_card(customer_email="Mixed@Example.jp")
    assert (_of(api, "Mixed@Example.jp"), _of(api, "mixed@example.jp")) == ([session.id], [])
    with _switched(api, email_case_sensitive=False):
        assert (_of(api, "Mixed@Example.jp"), _of(api, "mixed@EXAMPLE.jp")) == ([session.id], [session.id])
    assert [one.id for one in api.client.v1.customers.list({"email": "mixed@example.jp"})] == []


@pytest.mark.parametrize("case_sensitive", [True, False])
def test_open_sessions_are_listed_or_not(api: Stripe, *, case_sensitive: bool) -> None:
    email = f"open-{case_sensitive}@example.jp"
    session = api.create(customer_email=email)
    with _switched(api, email_case_sensitive=case_sensitive):
        assert _of(api, email) == []
        with _switched(api, open_sessions_listed=True):
            assert _of(api, email) == [session.id]
            assert _of(api, email, status="complete") == []
        api.sessions.expire(session.id)
        assert _of(api, email) == [session.id]


def test_another_address_at_the_till_is_the_one_that_counts(api: Stripe) -> None:
    session = api.create(customer_email="typed@example.jp")
    api.control(f"sessions/{session.id}/pay_card", {"email": "wallet@example.jp"})
    with _switched(api, open_sessions_listed=True):
        assert (_of(api, "typed@example.jp"), _of(api, "wallet@example.jp")) == ([], [session.id])


def test_a_just_completed_session_may_come_late_and_an_old_one_go(own: Stripe) -> None:
    with _switched(own, list_delay_seconds=60, list_keeps_days=90):
        session = own.paid_by_card(customer_email="late@example.jp")
        assert (_of(own, "late@example.jp"), own.sessions.list().data) == ([], [])
        own.control("time/advance", {"seconds": 61})
        assert _of(own, "late@example.jp") == [session.id]
        own.control("time/advance", {"days": 91})
        assert _of(own, "late@example.jp") == []
        assert own.sessions.retrieve(session.id).payment_status == "paid"
    assert _of(own, "late@example.jp") == [session.id]


def test_sessions_of_a_payment_link(api: Stripe) -> None:
    session = api.paid_by_card()
    api.control(f"sessions/{session.id}/from_payment_link", {"payment_link": "plink_1Shop"})
    assert [one.id for one in api.sessions.list({"payment_link": "plink_1Shop"})] == [session.id]
    api.control(f"sessions/{session.id}/from_payment_link", {"payment_link": "shop"}, status=400)
    api.control("sessions/cs_test_none/from_payment_link", {"payment_link": "plink_1"}, status=404)


def test_line_items_page_by_page(api: Stripe) -> None:
    session = api.create(line_items=[line_item(amount) for amount in (100, 200, 300)])
    items = api.sessions.line_items

    def amounts(**where: Any) -> tuple[list[int], bool]:
        page = items.list(session.id, where)  # type: ignore[arg-type]
        return [item.amount_total for item in page.data], page.has_more

    assert amounts() == ([100, 200, 300], False)
    first, second, third = (item.id for item in items.list(session.id))
    assert amounts(limit=2) == ([100, 200], True)
    assert amounts(starting_after=second) == ([300], False)
    assert amounts(ending_before=third, limit=1) == ([200], True)
    assert amounts(ending_before=first) == ([], False)
    assert [item.amount_total for item in items.list(session.id, {"limit": 1}).auto_paging_iter()] == [100, 200, 300]
    for wrong in ({"limit": 0}, {"starting_after": "li_none"}, {"starting_after": first, "ending_before": third}):
        assert api.refusal(partial(amounts, **wrong)).http_status in (400, 404)
    assert api.refusal(lambda: items.list("cs_test_none")).http_status == 404


def test_a_thousand_sessions_of_one_address_come_in_full(own: Stripe) -> None:
    template = own.paid_by_card(customer_email="thousand@example.com")
    with closing(sqlite3.connect(own.folder / "stripe.sqlite3", timeout=30)) as connection, connection:
        fill(connection, template.id, 999, addresses=1)
    page = own.sessions.list({"customer_details": {"email": "thousand@example.com"}, "limit": 100})
    found = [session.id for session in page.auto_paging_iter()]
    assert (len(found), len(set(found)), found[-1]) == (1000, 1000, template.id)
    backwards: Any = {"customer_details": {"email": "thousand@example.com"}, "limit": 100, "ending_before": found[-1]}
    assert [one.id for one in own.sessions.list(backwards).auto_paging_iter()] == found[-2::-1]


@pytest.mark.parametrize("cursor", ["starting_after", "ending_before", None])
@pytest.mark.parametrize("case_sensitive", [True, False])
@pytest.mark.parametrize("open_too", [True, False])
def test_the_list_by_email_is_served_by_an_index(
    tmp_path: Path, *, case_sensitive: bool, open_too: bool, cursor: str | None
) -> None:
    store = Store(tmp_path / "stripe.sqlite3")
    seen: list[tuple[str, Any]] = []

    class Watched(Tx):
        def run(self, sql: str, values: Any = ()) -> sqlite3.Cursor:
            seen.append((sql, values))
            return super().run(sql, values)

    with store.write() as tx:
        switches.change(tx, {"email_case_sensitive": case_sensitive, "open_sessions_listed": open_too})
        tx.add({"id": "cs_test_1", "object": "checkout.session", "created": 1})
        watched = Watched(tx._connection)  # noqa: SLF001
        params: Json = {"customer_details": {"email": "A@b.jp"}, "status": "complete", "created": {"gte": 1}}
        sessions.list_(Call(watched, params | ({cursor: "cs_test_1"} if cursor else {}), "/v1/checkout/sessions"))
        plans = [row["detail"] for sql, values in seen for row in tx.run(f"EXPLAIN QUERY PLAN {sql}", values)]
    store.close()
    assert any("USING INDEX objects_by_address" in plan for plan in plans), plans
    assert not any("SCAN" in plan or "TEMP B-TREE" in plan for plan in plans), plans
