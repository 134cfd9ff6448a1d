"""The list of orders as a CSV file: what is in it, what a spreadsheet makes of it, what the log notes."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.kit.ids import new_id
from app.models import StaffLogEntry
from app.portal import Portal
from app.staff.listing import export
from app.staff.listing.columns import COLUMNS, cell
from tests.helpers import make_order, make_payment
from tests.history.people import log_in
from tests.login.steps import post

AT = datetime(2020, 1, 1, 15, 0, 1, tzinfo=UTC)


@pytest.fixture
def member() -> str:
    return f"staff-{new_id()}@kaiseki.example"


@pytest.fixture
def staff(portal: Portal, client: FlaskClient, member: str) -> FlaskClient:
    """Give a browser in which a member of staff is logged in."""
    return log_in(portal, client, member, staff=True)


def exported(client: FlaskClient, **form: Any) -> list[dict[str, str]]:
    """Return the rows of an export, as Excel reads them."""
    answer = post(client, "/staff/orders/export?lang=en", **form)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"), newline="")))


def entries(portal: Portal, member: str) -> list[StaffLogEntry]:
    with portal.database.transaction() as session:
        return list(session.scalars(select(StaffLogEntry).where(StaffLogEntry.member == member)))


def test_the_orders_of_the_filters_are_in_the_file(portal: Portal, staff: FlaskClient) -> None:
    q = f"e@{new_id()[:13]}.example"
    make_order(portal, email=q, state="failed")
    order = make_order(
        portal, email=q, state="delivered", money="paid", size=123, created_at=AT, paid_at=AT, filename="売上,1.csv"
    )
    make_payment(portal, order, method="konbini", state="paid", amount=1620, handling=120)
    assert exported(staff, q=q, state="delivered") == [
        {
            "OrderID": order.id, "Ordered at": "2020-01-02 00:00:01", "E-mail": q, "Product": "CSV profile",
            "File": "売上,1.csv", "Work": "Delivered", "Money": "Paid", "Price": "1500",
            "Payment method": "Convenience store (konbini)", "Amount with handling fee": "1620", "Refunded in yen": "0",
            "Paid at": "2020-01-02 00:00:01", "Delivered at": "", "Needs attention": "",
        }
    ]  # fmt: skip
    assert len(exported(staff, q=q)) == 2


def test_the_columns_are_those_that_were_chosen_in_a_fixed_order(portal: Portal, staff: FlaskClient) -> None:
    order = make_order(portal, size=5)
    assert exported(staff, q=order.id, column=["size", "id"]) == [{"OrderID": order.id, "Size in bytes": "5"}]
    every = exported(staff, q=order.id, column=list(COLUMNS))
    assert len(every[0]) == len(COLUMNS)
    assert post(staff, "/staff/orders/export", column="claim_hash").status_code == 422


def test_the_ticked_orders_are_in_the_file(portal: Portal, staff: FlaskClient, member: str) -> None:
    orders = [make_order(portal) for _ in range(3)]
    rows = exported(staff, order=[orders[0].id, orders[2].id], ticked="1")
    assert [row["OrderID"] for row in rows] == [orders[2].id, orders[0].id]
    (entry,) = entries(portal, member)
    assert entry.data["ticked"] == 2
    nothing = post(staff, "/staff/orders/export", ticked="1")
    assert (nothing.status_code, nothing.headers["Location"]) == (303, "/staff/orders")
    assert post(staff, "/staff/orders/export", order="x").status_code == 422
    assert len(entries(portal, member)) == 1


def test_a_long_list_is_sent_in_parts_without_gap_or_repeat(
    portal: Portal, staff: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "AT_ONCE", 3)
    q = f"long@{new_id()[:13]}.example"
    orders = [make_order(portal, email=q, created_at=AT) for _ in range(9)]
    ids = sorted((order.id for order in orders), reverse=True)
    assert [row["OrderID"] for row in exported(staff, q=q)] == ids
    assert [row["OrderID"] for row in exported(staff, q=q, sort="oldest", least="1")] == ids[::-1]
    answer = post(staff, "/staff/orders/export", q=q)
    assert len(list(answer.iter_encoded())) == 4, "the heading, and three parts"


@pytest.mark.parametrize(
    "text",
    [
        "=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "＋1", "－1", "＠x", " =1", "\u3000=1",
        '=HYPERLINK("http://evil.example","x")', "=cmd|' /C calc'!A0", "\ufeff=1", "\tx",
    ],
)  # fmt: skip
def test_ac_s06_no_cell_is_a_formula(text: str) -> None:
    """An apostrophe says that what follows is a text; a TAB would not be enough (CVE-2021-41270)."""
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "売上.csv", "a=b", "taro+1@example.jp", "2026-11-21", "'x"])
def test_ac_s06_what_is_none_is_left_alone(text: str) -> None:
    assert cell(text) == text


def test_ac_s06_names_and_addresses_are_cells_too(portal: Portal, staff: FlaskClient) -> None:
    """Quotes are doubled, so that no file name opens a cell of its own."""
    order = make_order(portal, email=f"-{new_id()}@example.jp", filename='=cmd|" /C calc"!A0.csv","=1')
    (row,) = exported(staff, q=order.id)
    assert row["E-mail"] == f"'{order.email}"
    assert row["File"] == f"'{order.filename}"


def test_ac_s05_an_export_is_an_event_of_the_log(portal: Portal, staff: FlaskClient, member: str) -> None:
    """With its filters and columns, without the search text: it is somebody's address."""
    exported(staff, q="hanako@example.jp", state="failed", column="id")
    (entry,) = entries(portal, member)
    assert (entry.action, entry.data["columns"]) == ("orders.export", ["id"])
    assert entry.data["filters"] == {"q": "...", "state": "failed"}
    assert "hanako" not in str(vars(entry))


def test_before_an_export_its_columns_are_asked_for(portal: Portal, staff: FlaskClient, member: str) -> None:
    order = make_order(portal)
    page = staff.get(f"/staff/orders/export?q={order.id}&lang=en").text
    assert "Orders: 1<" in page
    assert f'name="q" value="{order.id}"' in page
    assert page.count('name="column"') == len(COLUMNS)
    assert page.count(" checked") == sum(column.usual for column in COLUMNS.values())
    assert entries(portal, member) == []


def test_a_search_that_nothing_answers_gives_the_heading_only(staff: FlaskClient) -> None:
    assert exported(staff, q="zzzqqq") == exported(staff, q="ab") == []
    assert post(staff, "/staff/orders/export", state="x").status_code == 422
