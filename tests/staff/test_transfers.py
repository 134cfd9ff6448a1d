"""A bank transfer that staff found on the company's account: booked once, and nothing that asks Stripe touches it."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.checkout.settle import settle
from app.models import Finding, Order, Payment
from app.recovery.compare import compare
from app.recovery.pace import Pace
from app.recovery.payments import reread
from app.recovery.report import Report
from tests.checkout.shop import audit, payments, put_result, session_for
from tests.helpers import make_order, reload
from tests.staff.desk import act, act_in_haste, done, entries, logged, path_of
from tests.staff.till import Till

HURRY = Pace(1e6)
FIELDS = {"amount": "1500", "reference": "11-20, line 7", "reason": "asked for an invoice"}


def booked(till: Till, **columns: object) -> Order:
    """Give an order that is paid by bank transfer."""
    order, client = make_order(till.portal, state="analysed", **columns), till.member()
    put_result(till.portal, order)
    assert "The order is paid. The customer gets the result." in done(
        client, act(client, order, "transfer", **FIELDS), order
    )
    return order


def test_a_bank_transfer_pays_the_order(till: Till) -> None:
    """As any payment does: the result is put together. Who booked it, why and where it stands is written down."""
    order = booked(till)
    payment = till.payment(order)
    assert (payment.method, payment.state, payment.amount, payment.session_id) == ("bank_transfer", "paid", 1500, None)
    assert reload(till.portal, order).money == "paid"
    assert reload(till.portal, order).paid_at == payment.paid_at
    jobs = till.portal.jobs.client.list_workflows(workflow_ids=[f"delivery.build:{order.id}"])
    assert len(jobs) == 1
    (entry,) = entries(till.portal, order, "staff.transfer")
    assert (entry["reference"], entry["reason"]) == ("11-20, line 7", "asked for an invoice")
    row = next(row for row in logged(till.portal, order) if row.action == "order.transfer")
    assert (row.reason, "reference" in row.data) == ("asked for an invoice", False)
    assert "Bank transfer" in till.member("viewer").get(f"/staff/orders/{order.id}").text


def test_a_double_click_books_it_once(till: Till) -> None:
    order, client = make_order(till.portal, state="analysed"), till.member()
    assert "This is done already." in done(client, act_in_haste(client, order, "transfer", **FIELDS), order)
    assert len(payments(till.portal, order)) == 1
    assert audit(till.portal, order).count("money.paid") == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": "1499"},
        {"amount": "0"},
        {"amount": "x"},
        {"reference": ""},
        {"reference": "1" * 101},
        {"reason": " "},
    ],
)
def test_what_does_not_fit_books_nothing(wrong: dict[str, str], till: Till) -> None:
    order, client = make_order(till.portal, state="analysed"), till.member()
    assert act(client, order, "transfer", **{**FIELDS, **wrong}).status_code == 422
    assert (payments(till.portal, order), reload(till.portal, order).money) == ([], "unpaid")


@pytest.mark.parametrize(
    "columns",
    [{"state": "waiting"}, {"state": "analysing"}, {"state": "rejected"}, {"state": "delivered", "money": "paid"}],
)
def test_an_order_that_cannot_be_paid_now_is_not(columns: dict[str, str], till: Till) -> None:
    order, client = make_order(till.portal, **columns), till.member()
    assert "This is not possible with this order now." in client.get(path_of(order, "transfer")).text
    assert path_of(order, "transfer") not in client.get(f"/staff/orders/{order.id}").text


def test_an_open_payment_page_is_closed(till: Till) -> None:
    order, client = make_order(till.portal, state="analysed"), till.member()
    _, session_id = session_for(till.portal, order)
    done(client, act(client, order, "transfer", **FIELDS), order)
    assert till.portal.stripe.retrieve_session(session_id)["status"] == "expired"
    assert [payment.state for payment in payments(till.portal, order)] == ["expired", "paid"]


def test_paid_by_card_a_moment_ago_it_is_not_booked(till: Till) -> None:
    """Closing the page shows that the money has come: the order is paid once, by card."""
    order, client = make_order(till.portal, state="analysed"), till.member()
    _, session_id = session_for(till.portal, order)
    till.sandbox.control(f"sessions/{session_id}/pay_card")
    answer = act(client, order, "transfer", **FIELDS)
    assert answer.status_code == 422
    assert "This is not possible with this order now." in answer.text
    assert [(payment.method, payment.state) for payment in payments(till.portal, order)] == [("card", "paid")]


def test_of_a_transfer_and_a_slip_the_slip_goes_back(till: Till) -> None:
    """A voucher can't be closed. Paid as well, it is the extra one: a transfer would have to go back by hand."""
    order = make_order(till.portal, state="analysed")
    _, voucher = session_for(till.portal, order, method="konbini")
    till.sandbox.control(f"sessions/{voucher}/issue_voucher")
    settle(voucher)
    client = till.member()
    done(client, act(client, order, "transfer", **FIELDS), order)
    till.sandbox.control(f"sessions/{voucher}/pay_at_till")
    settle(voucher)
    assert {p.method: p.anomaly for p in payments(till.portal, order)} == {
        "konbini": "double_payment",
        "bank_transfer": None,
    }


def test_nothing_that_asks_stripe_touches_it(till: Till) -> None:
    """The comparisons of every quarter of an hour and of every day find nothing wrong and change nothing."""
    began = till.portal.clock() - timedelta(minutes=1)
    order = booked(till, created_at=began - timedelta(days=3))
    before = till.payment(order)
    reread(Report(), HURRY)
    compare(Report(), HURRY, since=began)
    after = till.payment(order)
    columns = [column.key for column in Payment.__mapper__.column_attrs]
    assert [getattr(after, name) for name in columns] == [getattr(before, name) for name in columns]
    with till.portal.database.transaction() as session:
        assert session.scalars(select(Finding).where(Finding.order_id == order.id)).all() == []


def test_sent_back_by_hand_it_is_only_written_down(till: Till) -> None:
    """In part and as a whole; also the way to undo what was booked by mistake. Stripe is not asked."""
    order, client = booked(till), till.member()
    page = client.get(path_of(order, "refund")).text
    assert "By a bank transfer that you make. Here it is only written down." in page
    for amount, money in ((500, "partly_refunded"), (1000, "refunded")):
        form = {"payment": till.payment(order).id, "amount": str(amount), "reason": "booked to the wrong order"}
        done(client, act(client, order, "refund", **form), order)
        assert (reload(till.portal, order).money, till.payment(order).state) == (money, money)
    assert [(request.state, request.refund_id) for request in till.asked(order)] == [("sent", None)] * 2
    assert till.work() == 0
    assert till.payment(order).amount_refunded == 1500
