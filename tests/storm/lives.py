"""Two thousand orders quickly: each kind of life is lived once at the stand-in, then copied under ids of its own."""

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import inspect, select

from app.kit.ids import digest, new_id, new_secret
from app.models import Order, Payment
from app.models.base import Base
from tests.checkout.shop import ask_stripe, session_for
from tests.faults.house import House
from tests.storm.books import Books, Json

DECLINED = "4000000000000002"


class Life(NamedTuple):
    """What happens at Stripe to one order: `method:moment` after `method:moment`; `share` of all orders live so."""

    share: int
    story: str


LIVES = {
    "card": Life(24, "card:pay_card"),
    "card, declined first": Life(4, "card:decline card:pay_card"),
    "card page left": Life(4, "card:expire"),
    "konbini": Life(20, "konbini:issue_voucher konbini:pay_at_till"),
    "konbini, not paid yet": Life(4, "konbini:issue_voucher"),
    "konbini, never paid": Life(10, "konbini:issue_voucher konbini:expire_voucher"),
    "konbini ran out, then card": Life(4, "konbini:issue_voucher konbini:expire_voucher card:pay_card"),
    "paid twice": Life(8, "konbini:issue_voucher card:pay_card konbini:pay_at_till"),
    "paid twice, card refunded by hand": Life(2, "konbini:issue_voucher card:pay_card konbini:pay_at_till card:refund"),
    "card refunded": Life(4, "card:pay_card card:refund"),
    "card refunded in part": Life(3, "card:pay_card card:refund=500"),
    "card refunded in two parts": Life(2, "card:pay_card card:refund=500 card:refund=1000"),
    "konbini refund waits": Life(2, "konbini:issue_voucher konbini:pay_at_till konbini:refund"),
    "konbini refund under way": Life(
        2, "konbini:issue_voucher konbini:pay_at_till konbini:refund konbini:outcome=pending"
    ),
    "konbini refunded": Life(
        2, "konbini:issue_voucher konbini:pay_at_till konbini:refund konbini:outcome=pending konbini:outcome=succeeded"
    ),
    "konbini refund failed": Life(2, "konbini:issue_voucher konbini:pay_at_till konbini:refund konbini:outcome=failed"),
    "disputed": Life(1, "card:pay_card card:dispute"),
    "dispute won": Life(1, "card:pay_card card:dispute card:win"),
    "dispute lost": Life(1, "card:pay_card card:dispute card:lose"),
}


def make(house: House, books: Books, count: int) -> list[Json]:
    """Make `count` orders, unpaid in the ledger, all of it done at Stripe; return the events to be delivered.

    The stand-in must hold its deliveries back.
    """
    begun = books.newest()
    shares = sum(life.share for life in LIVES.values())
    for life in LIVES.values():
        specimen, objects = _live(house, books, life)
        _multiply(house, books, specimen, objects, max(1, round(count * life.share / shares)) - 1)
    return [{k: v for k, v in event.items() if k != "_sandbox"} for event in books.since(begun, "event")]


def _live(house: House, books: Books, life: Life) -> tuple[Order, list[Json]]:
    begun = books.newest()
    order = house.order()
    sessions: dict[str, str] = {}
    methods = {step.partition(":")[0] for step in life.story.split()}
    for step in life.story.split():
        method, _, moment = step.partition(":")
        if method not in sessions:
            # One attempt of an order is open at a time, so the voucher of whoever goes on to a card is out already.
            state = "awaiting" if method == "konbini" and len(methods) > 1 else "open"
            _, sessions[method] = session_for(house.portal, order, method=method, state=state)
        _play(house, books, begun, sessions[method], moment)
    # The reconciler must have nothing to do: what is settled in the end, an event has settled.
    with house.portal.database.transaction() as session:
        for payment in session.scalars(select(Payment).where(Payment.order_id == order.id)):
            payment.look_at = house.portal.clock() + timedelta(days=1)
    return order, books.since(begun)


def _play(house: House, books: Books, begun: int, session_id: str, moment: str) -> None:
    name, _, value = moment.partition("=")
    (session,) = (s for s in books.since(begun, "checkout.session") if s["id"] == session_id)

    def mine(kind: str) -> Any:
        return next(o for o in books.since(begun, kind) if o["payment_intent"] == session["payment_intent"])

    control = house.sandbox.control
    acts: dict[str, Callable[[], object]] = {
        "decline": lambda: _declined(house, session_id),
        "refund": lambda: ask_stripe(
            house.sandbox, "refunds", payment_intent=session["payment_intent"], **({"amount": value} if value else {})
        ),
        "outcome": lambda: control(f"refunds/{mine('refund')['id']}/outcome", {"status": value}),
        "dispute": lambda: control(f"charges/{mine('charge')['id']}/dispute", {"reason": "fraudulent"}),
        "win": lambda: control(f"disputes/{mine('dispute')['id']}/win"),
        "lose": lambda: control(f"disputes/{mine('dispute')['id']}/lose"),
    }
    act = acts.get(name) or (lambda: control(f"sessions/{session_id}/{name}"))
    act()


def _declined(house: House, session_id: str) -> None:
    try:
        house.sandbox.control(f"sessions/{session_id}/pay_card", {"card_number": DECLINED})
    except OSError:  # 402: that was wanted
        return
    raise AssertionError("the card was not declined")


def _multiply(house: House, books: Books, specimen: Order, objects: list[Json], times: int) -> None:
    """Copy an order with its attempts and everything of it at Stripe: each copy under new ids, another customer's."""
    with house.portal.database.transaction() as session:
        payments = session.scalars(select(Payment).where(Payment.order_id == specimen.id)).all()
    stripes: list[tuple[str, str, int, str]] = []
    orders: list[Order] = []
    attempts: list[Payment] = []
    for _ in range(times):
        mark = new_id().replace("-", "")[-12:]
        names = {body["id"]: f"{body['id']}{mark}" for body in objects}
        names |= {payment.id: new_id() for payment in payments}
        names |= {specimen.id: new_id(), specimen.email: f"storm-{mark}@example.jp"}
        renamed = _renaming(names)
        for body in objects:
            text = renamed(json.dumps(body, ensure_ascii=False))
            stripes.append((names[body["id"]], body["object"], body["created"], text))
        own = {"claim_hash": digest(new_secret()), "grant": new_secret()}
        orders.append(Order(**{**_columns(specimen, renamed), **own}))
        attempts += [Payment(**_columns(payment, renamed)) for payment in payments]
    books.add(stripes)
    house.born |= {order.id: (order.state, order.money) for order in orders}

    def put(order_id: str) -> None:
        house.portal.storage.put(f"results/{order_id}/run/report.html", b"<p>report", "text/html")

    with ThreadPoolExecutor(8) as hands:
        list(hands.map(put, [order.id for order in orders]))
    with house.portal.database.transaction() as session:
        session.add_all(orders)
        session.flush()
        session.add_all(attempts)


def _renaming(names: dict[str, str]) -> Callable[[Any], Any]:
    known = re.compile("|".join(sorted(map(re.escape, names), key=len, reverse=True)))
    return lambda value: known.sub(lambda found: names[found[0]], value) if isinstance(value, str) else value


def _columns(row: Base, renamed: Callable[[Any], Any]) -> dict[str, Any]:
    return {column.key: renamed(getattr(row, column.key)) for column in inspect(type(row)).column_attrs}
