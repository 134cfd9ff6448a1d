"""Notes of staff about an order: for colleagues, once, and gone with the customer's data."""

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.kit.ids import new_id
from app.models import Note, Order
from app.portal import Portal
from app.privacy.wish import forget
from app.privacy.work import _forget
from app.staff.order.notes import LONGEST
from tests.checkout.shop import hidden
from tests.helpers import make_order, make_payment
from tests.login.steps import post
from tests.staff.member import Member, log_of, member

TEXT = "電話あり。<b>明日</b>までに返事する\n二行目"


@pytest.fixture
def staff(portal: Portal, app: Flask) -> Member:
    """Give a member of staff in a browser."""
    return member(portal, app)


def notes_of(portal: Portal, order: Order) -> list[Note]:
    """Read the notes of an order."""
    with portal.database.transaction() as session:
        return list(session.scalars(select(Note).where(Note.order_id == order.id).order_by(Note.created_at)))


def write(staff: Member, order: Order, text: str, once: str = "") -> TestResponse:
    """Send the form of the order's page."""
    page = staff.client.get(f"/staff/orders/{order.id}")
    return post(staff.client, f"/staff/orders/{order.id}/notes", text=text, once=once or hidden(page, "once"))


def test_a_note_stands_on_the_page_with_its_author_and_not_in_the_log(portal: Portal, staff: Member) -> None:
    """On the page and in the timeline, as it was written; the staff log says that there is one, not what it says."""
    order = make_order(portal)
    answer = write(staff, order, f"  {TEXT}\n ".replace("\n", "\r\n"))
    assert (answer.status_code, answer.location) == (303, f"/staff/orders/{order.id}#notes")
    (note,) = notes_of(portal, order)
    assert (note.author, note.text) == (staff.email, TEXT)
    text = staff.client.get(f"/staff/orders/{order.id}?lang=en").text
    assert text.count("電話あり。&lt;b&gt;明日&lt;/b&gt;までに返事する\n二行目") == 2
    assert text.count(staff.email) >= 2
    told = [(e.member, e.action, e.data, e.reason) for e in log_of(portal, f"order:{order.id}")]
    told = [entry for entry in told if entry[1] != "order.see"]
    assert told == [(staff.email, "order.note", {}, None)]


def test_a_form_sent_twice_is_one_note(portal: Portal, staff: Member) -> None:
    order, once = make_order(portal), new_id()
    assert {write(staff, order, text, once).status_code for text in ("one", "one again")} == {303}
    assert [note.text for note in notes_of(portal, order)] == ["one"]


@pytest.mark.parametrize("text", ["", " \n ", "x" * (LONGEST + 1)], ids=["none", "blank", "long"])
def test_a_bad_note_is_refused_and_its_text_kept(portal: Portal, staff: Member, text: str) -> None:
    order = make_order(portal)
    answer = write(staff, order, text)
    assert answer.status_code == 422
    assert text.strip() in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert notes_of(portal, order) == []


def test_a_form_without_its_id_is_refused(portal: Portal, staff: Member) -> None:
    order = make_order(portal)
    assert write(staff, order, "text", "x").status_code == 422
    assert notes_of(portal, order) == []


def test_ac_s02_who_may_only_look_writes_none(portal: Portal, app: Flask) -> None:
    order, viewer = make_order(portal), member(portal, app, "viewer").client
    assert f"/staff/orders/{order.id}/notes" not in viewer.get(f"/staff/orders/{order.id}").text
    assert post(viewer, f"/staff/orders/{order.id}/notes", text="x", once=new_id()).status_code == 403
    assert notes_of(portal, order) == []


@pytest.mark.parametrize("order_id", ["0f58c483-61d8-418d-b6b5-5326d28a78ac", "x"])
def test_there_is_no_note_without_an_order(staff: Member, order_id: str) -> None:
    assert post(staff.client, f"/staff/orders/{order_id}/notes", text="x", once=new_id()).status_code == 404


def test_ac_p02_notes_go_with_the_customers_data(portal: Portal, email: str) -> None:
    """When the customer is forgotten, and when the order is."""
    order = make_order(portal, email=email, state="cancelled")
    old = make_order(portal)
    make_payment(portal, old, state="expired")
    with portal.database.transaction() as session:
        for one in (order, old):
            session.add(Note(id=new_id(), order_id=one.id, author="a@b.example", text=TEXT, created_at=portal.clock()))
    forget(email, "ja")
    with portal.database.transaction() as session:
        _forget(session, old.id)
    assert notes_of(portal, order) == notes_of(portal, old) == []
