"""What the inbox finds: every source, from the thing itself until it is gone, by an index."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from app.analysis.again import OURS
from app.checkout.balance import CONCERNS
from app.delivery.service import FAILED
from app.intake.inspection import UNSCANNED
from app.kit.ids import new_id
from app.models import Finding, Mail, Order, RefundRequest, StripeEvent
from app.orders.lifecycle import record
from app.portal import Portal
from app.recovery.report import KINDS as DIFFERENCES
from app.staff.actions.catalog import BY_KEY
from app.staff.attention import desk
from app.staff.attention.kinds import EVENT, FINDING, KINDS, MAIL, NOT_DELIVERED, REFUSED, SECOND_PERSON, kind_of
from app.staff.attention.service import MOST, inbox, thing_of
from app.staff.attention.sources import SOURCES
from app.staff.attention.thing import Asked, Thing
from tests.helpers import make_order, make_payment

HOUR = timedelta(hours=1)
MISMATCHES = tuple(name for name in DIFFERENCES if name.endswith("_mismatch"))
OF_ORDERS = sorted({*CONCERNS, *OURS, *MISMATCHES, UNSCANNED, FAILED})


def seen(portal: Portal, kind: str, subject: str) -> Thing | None:
    """Return a thing as the inbox has it now."""
    with portal.database.transaction() as session:
        return thing_of(session, kind, subject, portal.clock())


def change(portal: Portal, model: type[Any], key: str, **columns: Any) -> None:
    """Set columns of a row."""
    with portal.database.transaction() as session:
        row = session.get_one(model, key)
        for name, value in columns.items():
            setattr(row, name, value)


@dataclass(frozen=True)
class Trouble:
    """A thing that was made: what the inbox must call it, and how it is put right."""

    subject: str
    order_id: str | None
    mend: Callable[[], None]


def owed(portal: Portal) -> Trouble:
    order = make_order(portal, state="analysed", money="paid", paid_at=portal.clock() - 2 * HOUR)
    return Trouble(order.id, order.id, lambda: change(portal, Order, order.id, state="delivered"))


def make_mail(portal: Portal, order: Order, **columns: Any) -> Mail:
    """Store a mail."""
    values = {"kind": "voucher", "to": order.email, "locale": "ja", "params": {}, "state": "failed", **columns}
    with portal.database.transaction() as session:
        mail = Mail(id=new_id(), dedup_key=new_id(), order_id=order.id, **values)
        session.add(mail)
    return mail


def mail(portal: Portal) -> Trouble:
    order = make_order(portal)
    failed = make_mail(portal, order, created_at=portal.clock() - HOUR, error="MailDownError: 550 no such user")

    def arrives() -> None:
        make_mail(portal, order, state="sent", created_at=portal.clock())

    return Trouble(failed.id, order.id, arrives)


def dead_event(portal: Portal) -> Trouble:
    order = make_order(portal)
    payment = make_payment(portal, order)
    event_id, now = f"evt_{new_id().replace('-', '')}", portal.clock()
    columns = {"type": "refund.failed", "state": "dead", "object_id": payment.session_id, "note": "StripeDownError: x"}
    with portal.database.transaction() as session:
        session.add(StripeEvent(id=event_id, received_at=now, handled_at=now, **columns))
    return Trouble(event_id, order.id, lambda: change(portal, StripeEvent, event_id, state="handled"))


def difference(portal: Portal) -> Trouble:
    order, now = make_order(portal), portal.clock()
    found = Finding(
        id=new_id(), kind="input_missing", subject=order.id, order_id=order.id, first_seen_at=now, last_seen_at=now
    )
    with portal.database.transaction() as session:
        session.add(found)
    return Trouble(found.id, order.id, lambda: change(portal, Finding, found.id, closed_at=now))


def refund(state: str) -> Callable[[Portal], Trouble]:
    def make(portal: Portal) -> Trouble:
        order = make_order(portal, money="paid", state="delivered")
        payment = make_payment(portal, order, state="paid")
        wish = RefundRequest(
            id=new_id(), payment_id=payment.id, amount=1500, reason="x", state=state, asked_by="a@kaiseki.example",
            asked_at=portal.clock(), error="StripeRefusedError: x" if state == "refused" else None,
        )  # fmt: skip
        with portal.database.transaction() as session:
            session.add(wish)
        return Trouble(wish.id, order.id, lambda: change(portal, RefundRequest, wish.id, state="sent"))

    return make


def of_order(attention: str) -> Callable[[Portal], Trouble]:
    def make(portal: Portal) -> Trouble:
        order = make_order(portal, attention=attention)
        return Trouble(order.id, order.id, lambda: change(portal, Order, order.id, attention=None))

    return make


CASES: dict[str, Callable[[Portal], Trouble]] = {
    NOT_DELIVERED: owed,
    MAIL: mail,
    EVENT: dead_event,
    FINDING: difference,
    SECOND_PERSON: refund("waiting"),
    REFUSED: refund("refused"),
    **{name: of_order(name) for name in OF_ORDERS},
}


@pytest.mark.parametrize("kind", CASES)
def test_a_thing_is_there_until_it_is_put_right(kind: str, portal: Portal) -> None:
    trouble = CASES[kind](portal)
    found = seen(portal, kind, trouble.subject)
    assert found is not None
    assert (found.order_id, found.taken_by) == (trouble.order_id, None)
    trouble.mend()
    assert seen(portal, kind, trouble.subject) is None


@pytest.mark.parametrize("kind", CASES)
def test_closed_it_is_gone_and_open_again_it_is_back(kind: str, portal: Portal) -> None:
    trouble = CASES[kind](portal)
    found = seen(portal, kind, trouble.subject)
    assert found is not None
    with portal.database.transaction() as session:
        assert desk.close(session, found, "a@kaiseki.example", "told the customer", portal.clock())
    assert seen(portal, kind, trouble.subject) is None
    with portal.database.transaction() as session:
        assert desk.reopen(session, kind, trouble.subject)
    assert seen(portal, kind, trouble.subject) == found


def test_what_comes_up_anew_after_it_was_closed_is_open_again_and_nobodys(portal: Portal) -> None:
    order = make_order(portal, attention="refund_failed")
    found = seen(portal, "refund_failed", order.id)
    assert found is not None
    with portal.database.transaction() as session:
        assert desk.take(session, found, "a@kaiseki.example", "", portal.clock())
        assert desk.close(session, found, "a@kaiseki.example", "sent by bank", portal.clock())
    assert seen(portal, "refund_failed", order.id) is None
    with portal.database.transaction() as session:
        record(session, order.id, "refund.failed", "stripe", portal.clock())
    again = seen(portal, "refund_failed", order.id)
    assert again is not None
    assert again.taken_by is None
    assert again.since > found.since
    with portal.database.transaction() as session:
        assert desk.take(session, again, "b@kaiseki.example", "", portal.clock())
    taken = seen(portal, "refund_failed", order.id)
    assert taken is not None
    assert taken.taken_by == "b@kaiseki.example"


def test_what_is_only_late_is_left_alone(portal: Portal) -> None:
    """Delivery takes a moment, and a mail is tried again: neither calls for a person at once."""
    order = make_order(portal, state="analysed", money="paid", paid_at=portal.clock() - HOUR / 2)
    assert seen(portal, NOT_DELIVERED, order.id) is None
    young = make_mail(portal, order, created_at=portal.clock())
    assert seen(portal, MAIL, young.id) is None


def test_an_order_that_calls_for_staff_is_one_thing(portal: Portal) -> None:
    long_ago = portal.clock() - 2 * HOUR
    order = make_order(portal, state="analysed", money="paid", paid_at=long_ago, attention="delivery_failed")
    assert seen(portal, NOT_DELIVERED, order.id) is None
    assert seen(portal, "delivery_failed", order.id) is not None


def test_oldest_first_and_no_more_than_a_page_can_show(own_house: tuple[Portal, dict[str, str]]) -> None:
    portal, now = own_house[0], own_house[0].clock()
    for number in range(MOST + 1):
        make_order(portal, attention="disputed", created_at=now - number * HOUR)
    make_order(portal, attention="double_payment", created_at=now + HOUR)
    dead_event(portal)
    with portal.database.transaction() as session:
        found = inbox(session, Asked(), now)
        events = inbox(session, Asked(EVENT), now)
    assert found.more
    assert len(found.things) == MOST + 1
    assert [thing.since for thing in found.things] == sorted(thing.since for thing in found.things)
    assert found.things[0].since == now - MOST * HOUR
    assert ([thing.kind for thing in events.things], events.more) == ([EVENT], False)


def test_mine_and_nobodys(own_house: tuple[Portal, dict[str, str]]) -> None:
    portal = own_house[0]
    mine, other, free = (make_order(portal, attention="disputed").id for _ in range(3))
    with portal.database.transaction() as session:
        for order_id, member in ((mine, "me@kaiseki.example"), (other, "you@kaiseki.example")):
            thing = thing_of(session, "disputed", order_id, portal.clock())
            assert thing is not None
            assert desk.take(session, thing, member, "", portal.clock())

    def subjects(member: str | None) -> set[str]:
        with portal.database.transaction() as session:
            return {thing.subject for thing in inbox(session, Asked(member=member), portal.clock()).things}

    assert subjects("me@kaiseki.example") == {mine}
    assert subjects("") == {free}
    assert subjects(None) == {mine, other, free}


def test_every_kind_has_words_and_its_actions_exist() -> None:
    assert {*OF_ORDERS} <= set(KINDS)
    for name, kind in KINDS.items():
        assert set(kind.actions) <= set(BY_KEY), name
    assert "tomorrow" in str(kind_of("tomorrow").title)


@contextmanager
def explained(session: Session, backend: str) -> Iterator[None]:
    """Have the database say how it would run a query instead of running it."""
    prefix = "EXPLAIN QUERY PLAN " if backend == "sqlite" else "EXPLAIN "
    connection = session.connection()
    if backend == "postgresql":
        connection.execute(text("SET LOCAL enable_seqscan = off"))  # a small table is read whole even where an index is

    def ask(_c: Any, _cursor: Any, statement: str, parameters: Any, _x: Any, _m: Any) -> tuple[str, Any]:
        return prefix + statement, parameters

    event.listen(connection, "before_cursor_execute", ask, retval=True)
    try:
        yield
    finally:
        event.remove(connection, "before_cursor_execute", ask)


@pytest.mark.parametrize("number", range(len(SOURCES)))
def test_every_source_is_read_by_an_index(number: int, portal: Portal, backend: str) -> None:
    rows = SOURCES[number](portal.clock())
    with portal.database.transaction() as session, explained(session, backend):
        plan = "\n".join(" ".join(map(str, row)) for row in session.connection().execute(rows))
    whole = r"SCAN \w+\b(?! USING| VIRTUAL)" if backend == "sqlite" else r"Seq Scan on (?!attention)"
    assert not re.search(whole, plan), plan
