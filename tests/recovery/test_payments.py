"""Payments that are not final are read again, whatever events came (fault rows D2, P11)."""

from datetime import UTC, datetime, timedelta

import pytest

from app.checkout.settle import settle
from app.models import Payment
from app.recovery.pace import Pace
from app.recovery.payments import next_look, reread
from app.recovery.report import Report, open_findings
from tests.checkout.shop import ask_stripe, audit, mails, payments
from tests.helpers import make_payment, reload
from tests.recovery.company import Company

NOON = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def age(company: Company, session_id: str, **by: float) -> None:
    """Let an attempt be older than it is."""
    with company.portal.database.transaction() as session:
        payment = session.merge(company.payment(session_id))
        payment.created_at -= timedelta(**by)
        payment.look_at = None


def run() -> Report:
    report = Report()
    reread(report, Pace(1000))
    return report


def test_money_that_no_event_told_of(company: Company) -> None:
    order = company.analysed()
    session_id = company.pay_at_stripe(order)
    assert run().looked == {}  # younger than ten minutes: its event may still be on its way
    assert reload(company.portal, order).money == "unpaid"
    age(company, session_id, minutes=11)
    assert run().mended == {"payment": 1}
    assert reload(company.portal, order).money == "paid"
    assert run().looked == {}


def test_a_voucher_is_not_looked_at_every_quarter_of_an_hour(company: Company) -> None:
    order = company.analysed()
    session_id = company.begin_to_pay(order, "konbini")
    company.sandbox.control(f"sessions/{session_id}/issue_voucher")
    age(company, session_id, hours=20)
    assert run().mended == {"payment": 1}
    payment = company.payment(session_id)
    assert payment.state == "awaiting"
    assert payment.look_at is not None
    assert timedelta(hours=2) < payment.look_at - company.portal.clock() < timedelta(hours=3)
    assert run().looked == {}
    assert mails(company.portal, order) == ["choose_payment", "voucher"]


@pytest.mark.parametrize(
    ("created", "session_end", "voucher_end", "expected"),
    [
        (HOUR / 4, 24 * HOUR, None, timedelta(minutes=15)),
        (16 * HOUR, 8 * HOUR, None, 2 * HOUR),
        (23 * HOUR, HOUR / 2, None, HOUR / 2 + timedelta(minutes=10)),
        (24 * HOUR, -timedelta(minutes=5), None, timedelta(minutes=5)),
        (24 * HOUR, -timedelta(minutes=30), 72 * HOUR, timedelta(minutes=15)),
        (72 * HOUR, -48 * HOUR, 48 * HOUR, 6 * HOUR),
        (72 * HOUR, -48 * HOUR, HOUR, HOUR + timedelta(minutes=10)),
        (72 * HOUR, -48 * HOUR, -HOUR, timedelta(minutes=15)),
        (300 * HOUR, -200 * HOUR, -100 * HOUR, 6 * HOUR),
    ],
)
def test_when_to_look_again(
    created: timedelta, session_end: timedelta, voucher_end: timedelta | None, expected: timedelta
) -> None:
    """The longer nothing happened the later, but soon after each deadline, and often again from there."""
    payment = Payment(
        state="awaiting",
        created_at=NOON - created,
        session_expires_at=NOON + session_end,
        voucher_expires_at=None if voucher_end is None else NOON + voucher_end,
    )
    assert next_look(payment, NOON) - NOON == expected


def test_a_refund_is_followed_daily_until_it_is_final(company: Company) -> None:
    order, session_id = company.bought("konbini")
    intent = company.payment(session_id).payment_intent_id
    assert intent
    refund = ask_stripe(company.sandbox, "refunds", payment_intent=intent)
    assert refund["status"] == "requires_action"
    age(company, session_id, minutes=11)
    assert run().looked == {}  # the payment is final, and nobody told of a refund
    settle(session_id)
    assert run().looked == {"payment": 1}
    assert run().looked == {}
    look_at = company.payment(session_id).look_at
    assert look_at is not None
    assert timedelta(hours=23) < look_at - company.portal.clock() <= timedelta(hours=24)
    company.sandbox.control(f"refunds/{refund['id']}/outcome", {"status": "succeeded"})
    age(company, session_id, days=1)
    assert run().looked == {"payment": 1}
    assert reload(company.portal, order).money == "refunded"
    age(company, session_id, days=1)
    assert run().looked == {}


def test_an_attempt_whose_session_was_made_and_never_heard_of(company: Company) -> None:
    """P3: the process died between Stripe's answer and our commit."""
    order = company.analysed()
    session_id = company.pay_at_stripe(order)
    with company.portal.database.transaction() as session:
        payment = session.merge(company.payment(session_id))
        payment.state, payment.session_id, payment.session_url = "creating", None, None
        payment.created_at -= timedelta(minutes=11)
    assert run().mended == {"attempt": 1}
    (payment,) = payments(company.portal, order)
    assert (payment.state, payment.session_id) == ("paid", session_id)
    assert reload(company.portal, order).money == "paid"


def test_an_open_session_that_was_never_heard_of_can_be_used(company: Company) -> None:
    order = company.analysed()
    session_id = company.begin_to_pay(order)
    url = company.payment(session_id).session_url
    with company.portal.database.transaction() as session:
        payment = session.merge(company.payment(session_id))
        payment.state, payment.session_id, payment.session_url = "creating", None, None
        payment.created_at -= timedelta(minutes=11)
    run()
    (payment,) = payments(company.portal, order)
    assert (payment.state, payment.session_id, payment.session_url) == ("open", session_id, url)


def test_an_attempt_that_stripe_never_heard_of_is_given_up(company: Company) -> None:
    order = company.analysed()
    made = make_payment(
        company.portal, order, state="creating", session_id=None,
        created_at=company.portal.clock() - timedelta(minutes=11),
    )  # fmt: skip
    assert run().looked == {"attempt without a session": 1}
    (payment,) = payments(company.portal, order)
    assert (payment.id, payment.state) == (made.id, "abandoned")
    assert "payment.gave_up" in audit(company.portal, order)
    company.begin_to_pay(order)


def test_a_session_that_is_gone_is_told_to_staff_and_stops_nobody(company: Company) -> None:
    first, second = company.analysed(), company.analysed()
    then = company.portal.clock() - timedelta(minutes=30)
    make_payment(company.portal, first, session_id="cs_test_nobody_knows", created_at=then)
    session_id = company.pay_at_stripe(second)
    age(company, session_id, minutes=11)
    assert run().mended == {"payment": 1}
    with company.portal.database.transaction() as session:
        (finding,) = open_findings(session)
    assert (finding.kind, finding.subject, finding.order_id) == ("session_gone", "cs_test_nobody_knows", first.id)
