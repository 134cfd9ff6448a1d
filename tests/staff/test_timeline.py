"""The timeline of an order: every source, in the order of time, whole and by lane."""

import re
from datetime import datetime, timedelta

import pytest
from flask import Flask

from app.kit.ids import new_id
from app.models import Mail, Note, Order, Run, StripeEvent
from app.orders.lifecycle import record
from app.portal import Portal
from app.staff.dossier import MOST
from app.staff.timeline import LANES
from tests.helpers import make_order, make_payment
from tests.staff.member import Member, member

MEMBER = "colleague@kaiseki.example"
# What happens in the story below, oldest first: lane, and the words of the page.
STORY = [
    ("customer", "Order made"),
    ("portal", "The program starts"),
    ("portal", "The program ended"),
    ("mails", "Result ready: choose how to pay"),
    ("stripe", "Event checkout.session.completed"),
    ("stripe", "Payment arrived"),
    ("stripe", "Event charge.refunded"),
    ("staff", "Note of staff"),
    ("staff", "A file of the customer was opened by staff"),
]


@pytest.fixture
def staff(portal: Portal, app: Flask) -> Member:
    """Give a member of staff in a browser."""
    return member(portal, app)


def happen(portal: Portal, order: Order, begun: datetime) -> None:
    """Let the story happen, a minute a line; it is written down in no order at all."""
    payment = make_payment(portal, order, state="paid", payment_intent_id=f"pi_{new_id()}")
    at = {words: begun + number * timedelta(minutes=1) for number, (_, words) in enumerate(STORY)}
    with portal.database.transaction() as session:
        session.add(Note(id=new_id(), order_id=order.id, author=MEMBER, text="note", created_at=at["Note of staff"]))
        for type_, about in (
            ("charge.refunded", payment.payment_intent_id),
            ("checkout.session.completed", payment.session_id),
        ):
            session.add(
                StripeEvent(
                    id=f"evt_{new_id().replace('-', '')}", type=type_, object_id=about, state="handled",
                    payload='{"secret": 1}', received_at=at[f"Event {type_}"],
                )
            )  # fmt: skip
        session.add(
            Mail(
                id=new_id(), dedup_key=new_id(), kind="choose_payment", order_id=order.id, to=order.email, locale="ja",
                params={}, state="sent", created_at=begun, sent_at=at["Result ready: choose how to pay"],
            )
        )  # fmt: skip
        session.add(
            Run(
                id=new_id(), order_id=order.id, engine="local", program="x", outcome="analysed",
                started_at=at["The program starts"], ended_at=at["The program ended"],
            )
        )  # fmt: skip
        opened = at["A file of the customer was opened by staff"]
        record(session, order.id, "staff.file_opened", f"staff:{MEMBER}", opened, once=new_id(), reason="asked")
        record(session, order.id, "payment.paid", "stripe", at["Payment arrived"], amount=1500)
        record(session, order.id, "order.created", "customer", at["Order made"])


def shown(staff: Member, order: Order, lane: str = "") -> list[str]:
    """Return what the timeline of the page calls each thing."""
    page = staff.client.get(
        f"/staff/orders/{order.id}", query_string={"lang": "en", **({"show": lane} if lane else {})}
    )
    assert page.status_code == 200
    table = page.text.partition('id="timeline"')[2].partition("</section>")[0]
    cells = re.findall(r'data-label="What"><div>(.*?)</div>', table, re.DOTALL)
    return [re.sub("<[^>]+>", "", cell).strip() for cell in cells]


def test_everything_in_the_order_of_time(portal: Portal, staff: Member) -> None:
    order = make_order(portal)
    happen(portal, order, portal.clock())
    assert shown(staff, order) == [words for _, words in STORY]


@pytest.mark.parametrize("lane", LANES)
def test_one_lane_of_it(portal: Portal, staff: Member, lane: str) -> None:
    order = make_order(portal)
    happen(portal, order, portal.clock())
    expected = [words for one, words in STORY if one == lane]
    assert expected
    assert shown(staff, order, lane) == expected


def test_it_says_who_and_leads_to_more(portal: Portal, staff: Member) -> None:
    order = make_order(portal)
    happen(portal, order, portal.clock())
    text = staff.client.get(f"/staff/orders/{order.id}?lang=en").text
    for part in (
        MEMBER,
        "Reason: asked",
        "Amount: ¥1,500",
        'href="/staff/events/evt_',
        f"/staff/orders/{order.id}/mails/",
    ):
        assert part in text, part
    assert "once: " not in text, "what is for the portal only"
    assert "secret" not in text, "contents of events are on a page of their own"


def test_times_are_japans(portal: Portal, staff: Member) -> None:
    order = make_order(portal)
    with portal.database.transaction() as session:
        record(session, order.id, "order.created", "customer", datetime.fromisoformat("2026-11-21T15:30:00+00:00"))
    assert "2026年11月22日(日) 00:30" in staff.client.get(f"/staff/orders/{order.id}?lang=ja").text


def test_nobody_sees_another_orders_events(portal: Portal, staff: Member) -> None:
    order, other = make_order(portal), make_order(portal)
    happen(portal, other, portal.clock())
    assert shown(staff, order) == []


def test_a_very_long_story_shows_its_end(portal: Portal, staff: Member) -> None:
    order, begun = make_order(portal), portal.clock()
    with portal.database.transaction() as session:
        for number in range(MOST + 5):
            record(session, order.id, "file.downloaded", "customer", begun + timedelta(seconds=number), number=number)
    text = staff.client.get(f"/staff/orders/{order.id}?lang=en").text
    assert len(shown(staff, order)) == MOST
    assert f"number: {MOST + 4}<" in text
    assert "number: 4<" not in text


@pytest.mark.parametrize("lane", ["x", "Stripe", "stripe "])
def test_ac_s07_only_known_lanes(portal: Portal, staff: Member, lane: str) -> None:
    order = make_order(portal)
    assert staff.client.get(f"/staff/orders/{order.id}", query_string={"show": lane}).status_code == 422
