"""Staff send money back: in full or in part, by every way, once, and never more than came (AC-S03)."""

import contextvars
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from html import unescape

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.checkout.settle import settle
from app.kit.ids import new_id
from app.models import Order, Refund
from tests.checkout.shop import audit, hidden, mails, payments
from tests.helpers import reload
from tests.login.steps import csrf_of
from tests.staff.desk import act, act_in_haste, done, entries, logged, path_of
from tests.staff.till import Till


def refund(till: Till, client: FlaskClient, order: Order, amount: int) -> str:
    """Ask for a refund of the order's payment; return the page that follows."""
    form = {"payment": till.payment(order).id, "amount": str(amount), "reason": "wrong result"}
    return done(client, act(client, order, "refund", **form), order)


def test_ac_s03_a_card_payment_goes_back_as_a_whole(till: Till) -> None:
    """The page shows amount, order and way; the job makes one refund, and Stripe's word closes the order."""
    order, client = till.bought(), till.member()
    shown = client.get(path_of(order, "refund")).text
    for told in ("Card, paid ¥1,500, can still go back ¥1,500", "To the card.", order.email, order.filename):
        assert told in shown
    assert "¥1,500 goes back. To the card." in refund(till, client, order, 1500)
    (request,) = till.asked(order)
    assert (request.state, request.amount, request.reason) == ("approved", 1500, "wrong result")
    assert reload(till.portal, order).money == "paid", "until Stripe says so"
    assert till.work() == 1
    (request,) = till.asked(order)
    assert (request.state, [request.refund_id]) == ("sent", till.at_stripe(order, "id"))
    assert till.at_stripe(order, "reason") == ["requested_by_customer"]
    assert till.at_stripe(order, "metadata")[0]["request"] == request.id
    assert (reload(till.portal, order).money, till.payment(order).state) == ("refunded", "refunded")
    assert mails(till.portal, order).count("refund") == 1
    kinds = ("refund.approved", "staff.refund", "refund.sent", "refund.succeeded")
    assert [kind for kind in audit(till.portal, order) if kind in kinds] == list(kinds)


def test_ac_s03_it_is_written_down_with_its_reason(till: Till) -> None:
    """The order's audit and the staff log say who sent back how much and why."""
    order, client = till.bought(), till.member()
    refund(till, client, order, 700)
    (entry,) = entries(till.portal, order, "staff.refund")
    assert (entry["amount"], entry["reason"]) == (700, "wrong result")
    assert entry["actor"] == f"staff:{till.asked(order)[0].asked_by}"
    row = next(row for row in logged(till.portal, order) if row.action == "order.refund")
    assert (row.reason, row.data["amount"], row.data["payment"]) == ("wrong result", "700", till.payment(order).id)


def test_ac_s03_in_part_and_never_more_than_is_left(till: Till) -> None:
    """What was asked for counts at once, before Stripe has heard of it."""
    order, client = till.bought(), till.member()
    refund(till, client, order, 500)
    payment = till.payment(order).id
    for amount, says in (("1001", "at most ¥1,000"), ("0", "at most ¥1,000"), ("-5", "Please look"), ("1.5", "Please")):
        answer = act(client, order, "refund", payment=payment, amount=amount, reason="r")
        assert answer.status_code == 422
        assert says in answer.text
    till.work()
    assert (reload(till.portal, order).money, till.payment(order).amount_refunded) == ("partly_refunded", 500)
    refund(till, client, order, 1000)
    till.work()
    assert (reload(till.portal, order).money, till.at_stripe(order, "amount")) == ("refunded", [500, 1000])
    assert "This is not possible with this order now." in client.get(path_of(order, "refund")).text


@pytest.mark.parametrize(
    ("outcome", "money", "attention"),
    [("succeeded", "refunded", None), ("failed", "paid", "refund_failed")],
)
def test_ac_s03_a_konbini_payment_waits_for_a_bank_account(
    outcome: str, money: str, attention: str | None, till: Till
) -> None:
    """The page explains that road beforehand and shows where on it the refund is; one that failed can be done anew."""
    order, client = till.bought("konbini"), till.member()
    assert "Stripe asks the customer by mail for a bank account." in client.get(path_of(order, "refund")).text
    assert "Stripe asks the customer by mail" in refund(till, client, order, 1500)
    till.work()
    page = client.get(f"/staff/orders/{order.id}").text
    assert "Waiting for the customer's bank account" in unescape(page)
    assert reload(till.portal, order).money == "refunded"
    (refund_id,) = till.at_stripe(order, "id")
    till.sandbox.control(f"refunds/{refund_id}/outcome", {"status": outcome})
    settle(str(till.payment(order).session_id))
    now = reload(till.portal, order)
    assert (now.money, now.attention) == (money, attention)
    if outcome == "failed":
        refund(till, client, order, 1500)
        till.work()
        assert till.at_stripe(order) == ["failed", "requires_action"]


def test_ac_s03_a_double_click_is_one_refund(till: Till) -> None:
    """The same form again changes nothing, be it after the money has gone."""
    order, client = till.bought(), till.member()
    answer = act_in_haste(client, order, "refund", payment=till.payment(order).id, amount="500", reason="r")
    assert "This is done already." in done(client, answer, order)
    assert till.work() == 1
    assert (len(till.asked(order)), till.at_stripe(order, "amount")) == (1, [500])


def send_at_once(till: Till, order: Order, forms: list[dict[str, str]]) -> list[int]:
    """Send forms from as many browsers in the same moment; return the statuses."""
    ready = []
    for form in forms:
        client = till.member()
        page = client.get(path_of(order, "refund")).text
        ready.append((client, {"csrf_token": csrf_of(page), **form}))

    def send(pair: tuple[FlaskClient, dict[str, str]]) -> int:
        return contextvars.Context().run(lambda: pair[0].post(path_of(order, "refund"), data=pair[1]).status_code)

    with ThreadPoolExecutor(len(ready)) as pool:
        return sorted(pool.map(send, ready))


@pytest.mark.parametrize("same", [True, False])
def test_ac_s03_many_at_once_send_back_no_more_than_came(same: bool, till: Till) -> None:  # noqa: FBT001
    """Six browsers: with one form, sent again and again, it is done once; with forms of their own, one gets it."""
    order = till.bought()
    payment, once = till.payment(order).id, new_id()
    forms = [
        {"payment": payment, "amount": "1000", "reason": "r", "once": once if same else new_id()} for _ in range(6)
    ]
    assert send_at_once(till, order, forms) == ([303] * 6 if same else [303] + [422] * 5)
    till.work()
    assert till.at_stripe(order, "amount") == [1000]


def test_ac_s03_only_with_a_reason(till: Till) -> None:
    order, client = till.bought(), till.member()
    answer = act(client, order, "refund", payment=till.payment(order).id, amount="100", reason="  ")
    assert answer.status_code == 422
    assert "Please give a reason" in answer.text
    assert till.asked(order) == []


def test_ac_s03_only_with_a_fresh_second_factor(till: Till) -> None:
    """Five minutes after the last code neither the page nor its form is taken: the code is asked for."""
    order, client = till.bought(), till.member()
    once = hidden(client.get(path_of(order, "refund")), "once")
    token = csrf_of(client.get("/login/code").text)
    till.time_passes(timedelta(minutes=5, seconds=1))
    form = {"csrf_token": token, "once": once, "payment": till.payment(order).id, "amount": "1", "reason": "r"}
    for answer in (client.get(path_of(order, "refund")), client.post(path_of(order, "refund"), data=form)):
        assert answer.status_code == 303
        assert answer.location.startswith("/staff/login/code")
    assert till.asked(order) == []


@pytest.mark.parametrize("role", ["viewer", "support"])
def test_ac_s02_s03_others_can_neither_ask_nor_decide(role: str, till: Till) -> None:
    order, client = till.bought(), till.member(role)
    assert client.get(path_of(order, "refund")).status_code == 403
    assert path_of(order, "refund") not in client.get(f"/staff/orders/{order.id}").text


def test_which_of_two_payments_goes_back_is_chosen(till: Till) -> None:
    """An order that was paid twice: the extra one is called a duplicate at Stripe, the other is not touched."""
    order, client = till.bought("konbini"), till.member()
    till.paid(order)
    (extra,) = [payment for payment in payments(till.portal, order) if payment.anomaly]
    done(client, act(client, order, "refund", payment=extra.id, amount="1500", reason="r"), order)
    till.work()
    assert till.at_stripe(order, "reason") == ["duplicate"]
    now = reload(till.portal, order)
    assert (now.money, now.attention) == ("paid", None)


def test_what_a_bank_has_cannot_be_sent_back(till: Till) -> None:
    order, client = till.bought(), till.member()
    session_id = str(till.payment(order).session_id)
    charge = till.portal.stripe.retrieve_session(session_id)["payment_intent"]["latest_charge"]["id"]
    dispute = till.sandbox.control(f"charges/{charge}/dispute")
    settle(session_id)
    assert "This is not possible with this order now." in client.get(path_of(order, "refund")).text
    till.sandbox.control(f"disputes/{dispute['id']}/win")
    settle(session_id)
    refund(till, client, order, 1500)
    till.work()
    assert reload(till.portal, order).money == "refunded"


def test_money_of_another_order_is_not_there_to_choose(till: Till) -> None:
    order, other, client = till.bought(), till.bought(), till.member()
    answer = act(client, order, "refund", payment=till.payment(other).id, amount="1", reason="r")
    assert answer.status_code == 422
    assert till.asked(other) == till.asked(order) == []
    with till.portal.database.transaction() as session:
        assert session.scalars(select(Refund)).all() == []
