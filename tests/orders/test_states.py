"""Every (state, event) of every table has an answer, and the answer is what the database does."""

import itertools

import pytest

from app.kit.ids import new_id
from app.models import Refund, RefundRequest
from app.orders.lifecycle import move_money, move_payment, move_refund, move_request, move_work
from app.orders.states import MONEY, PAYMENT, REFUND, REFUND_REQUEST, WORK, Ignored, Table, sources
from app.portal import Portal
from tests.helpers import make_order, make_payment

TABLES = {"work": WORK, "money": MONEY, "payment": PAYMENT, "refund": REFUND, "refund request": REFUND_REQUEST}


def cells(table: Table) -> list[tuple[str, str]]:
    """List every state with every event of a table."""
    events = next(iter(table.values()))
    return list(itertools.product(table, events))


@pytest.mark.parametrize("name", TABLES)
def test_every_state_answers_every_event(name: str) -> None:
    table = TABLES[name]
    events = set(next(iter(table.values())))
    for state, answers in table.items():
        assert set(answers) == events, state
        for outcome in answers.values():
            assert isinstance(outcome, Ignored) or outcome in table


@pytest.mark.parametrize("name", TABLES)
def test_an_event_leads_each_state_to_one_place_only(name: str) -> None:
    table = TABLES[name]
    for event in next(iter(table.values())):
        listed = [state for states in sources(table, event).values() for state in states]
        assert len(listed) == len(set(listed))


def test_a_second_payment_moves_nothing() -> None:
    for state in ("paid", "partly_refunded", "refunded"):
        assert isinstance(MONEY[state]["paid"], Ignored)


def test_money_beats_every_ending_of_an_attempt() -> None:
    for state in ("creating", "open", "awaiting", "expired", "failed", "abandoned"):
        assert PAYMENT[state]["paid"] == "paid"


def test_work_moves_in_the_database_as_the_table_says(portal: Portal) -> None:
    for state, event in cells(WORK):
        order = make_order(portal, state=state)
        expected = WORK[state][event]
        with portal.database.transaction() as session:
            order = session.merge(order)
            moved = move_work(session, order, event, "worker", portal.clock())
            again = move_work(session, order, event, "worker", portal.clock()) if moved else False
        assert moved == isinstance(expected, str), (state, event)
        assert order.state == (expected if isinstance(expected, str) else state)
        assert not (again and order.state == expected and expected not in WORK[order.state].values())


def test_money_moves_in_the_database_as_the_table_says(portal: Portal) -> None:
    for state, event in cells(MONEY):
        order = make_order(portal, money=state)
        expected = MONEY[state][event]
        with portal.database.transaction() as session:
            order = session.merge(order)
            moved = move_money(session, order, event, "stripe", portal.clock())
        assert moved == isinstance(expected, str), (state, event)
        assert order.money == (expected if isinstance(expected, str) else state)


def test_payment_moves_in_the_database_as_the_table_says(portal: Portal) -> None:
    order = make_order(portal)
    for state, event in cells(PAYMENT):
        if state in {"creating", "open"} or PAYMENT[state][event] in {"creating", "open"}:
            order = make_order(portal)  # one open attempt an order
        payment = make_payment(portal, order, state=state)
        expected = PAYMENT[state][event]
        with portal.database.transaction() as session:
            payment = session.merge(payment)
            moved = move_payment(session, payment, event, "stripe", portal.clock())
        assert moved == isinstance(expected, str), (state, event)
        assert payment.state == (expected if isinstance(expected, str) else state)


def test_refund_moves_in_the_database_as_the_table_says(portal: Portal) -> None:
    order = make_order(portal)
    payment = make_payment(portal, order, state="paid")
    for number, (state, event) in enumerate(cells(REFUND)):
        expected = REFUND[state][event]
        with portal.database.transaction() as session:
            refund = Refund(
                id=f"re_{number}_{order.id}",
                payment_id=payment.id,
                amount=100,
                state=state,
                created_at=portal.clock(),
            )
            session.add(refund)
            moved = move_refund(session, refund, order.id, event, "stripe", portal.clock())
        assert moved == isinstance(expected, str), (state, event)
        assert refund.state == (expected if isinstance(expected, str) else state)


def test_a_refund_request_moves_in_the_database_as_the_table_says(portal: Portal) -> None:
    order = make_order(portal)
    payment = make_payment(portal, order, state="paid")
    for state, event in cells(REFUND_REQUEST):
        expected = REFUND_REQUEST[state][event]
        with portal.database.transaction() as session:
            request = RefundRequest(
                id=new_id(), payment_id=payment.id, amount=100, reason="r", state=state,
                asked_by="a@kaiseki.example", asked_at=portal.clock(),
            )  # fmt: skip
            session.add(request)
            moved = move_request(session, request, order.id, event, "worker", portal.clock())
        assert moved == isinstance(expected, str), (state, event)
        assert request.state == (expected if isinstance(expected, str) else state)
