"""The reminder of a voucher: by the deadline that was told, by day, once, and never right after ordering."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from flask import current_app
from sqlalchemy import update

from app.checkout.reminders import BATCH, remind
from app.kit.clock import JST
from app.mail.service import queue_mail
from app.models import Mail, Order, Payment
from app.portal import EXTENSION, Portal
from tests.checkout.shop import mails
from tests.helpers import make_order, make_payment

House = tuple[Portal, dict[str, str]]
DEADLINE = datetime(2026, 11, 25, 23, 59, 59, tzinfo=JST)  # issued at midday of the 22nd, three days


def voucher(portal: Portal, issued: datetime, **columns: str) -> Order:
    """Store an order whose voucher was issued, and mailed, at a moment."""
    order = make_order(portal, state="analysed", money=columns.pop("money", "unpaid"))
    values = {"method": "konbini", "state": "awaiting", "voucher_expires_at": DEADLINE, **columns}
    payment = make_payment(portal, order, created_at=issued, **values)
    with portal.database.transaction() as session:
        queue_mail(session, "voucher", order, once=payment.id)
        session.execute(update(Mail).where(Mail.order_id == order.id).values(created_at=issued))
    return order


def remind_at(portal: Portal, moment: datetime) -> int:
    """Run the job's work at a moment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(current_app.extensions, EXTENSION, replace(portal, clock=lambda: moment))
        return remind()


def jst(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=JST)


@pytest.mark.parametrize(
    ("now", "issued", "reminded"),
    [
        (jst(24, 8, 59), jst(22, 12), False),  # too early in the morning
        (jst(24, 9), jst(22, 12), True),  # the morning of the day before the last
        (jst(23, 12), jst(22, 11), False),  # two days before: not yet
        (jst(24, 19, 59), jst(22, 12), True),
        (jst(24, 20), jst(22, 12), False),  # evening
        (jst(25, 9), jst(22, 12), True),  # the worker was away the day before
        (jst(25, 19), jst(22, 12), True),
        (jst(26, 9), jst(22, 12), False),  # the time is over: Stripe will say so
        (jst(25, 10), jst(24, 11), False),  # within a day of the voucher's own mail
        (jst(25, 11), jst(24, 11), True),
        (jst(25, 19), jst(24, 21), False),
    ],
)
def test_when(now: datetime, issued: datetime, reminded: bool, own_house: House) -> None:  # noqa: FBT001
    portal = own_house[0]
    order = voucher(portal, issued)
    assert remind_at(portal, now) == int(reminded)
    assert ("payment_reminder" in mails(portal, order)) == reminded


@pytest.mark.parametrize(
    "columns", [{"money": "paid"}, {"state": "paid"}, {"state": "failed"}, {"state": "open"}, {"state": "refunded"}]
)
def test_not_where_there_is_nothing_to_pay(columns: dict[str, str], own_house: House) -> None:
    order = voucher(own_house[0], jst(22, 12), **columns)
    assert remind_at(own_house[0], jst(24, 10)) == 0
    assert mails(own_house[0], order) == ["voucher"]


def test_once_a_voucher(own_house: House) -> None:
    """Each hour's job finds nobody new; a second voucher of the same order has a reminder of its own."""
    portal = own_house[0]
    order = voucher(portal, jst(22, 12))
    assert [remind_at(portal, jst(24, hour)) for hour in (9, 10, 11)] == [1, 0, 0]
    with portal.database.transaction() as session:
        session.execute(update(Payment).where(Payment.order_id == order.id).values(state="failed"))
    make_payment(portal, order, method="konbini", state="awaiting", voucher_expires_at=DEADLINE + timedelta(days=3))
    assert remind_at(portal, jst(27, 9)) == 1
    assert mails(portal, order) == ["payment_reminder", "payment_reminder", "voucher"]


def test_more_than_a_batch(own_house: House) -> None:
    portal = own_house[0]
    with portal.database.transaction() as session:
        model = make_order(portal, state="analysed")
        for number in range(BATCH + 1):
            columns = {c.key: getattr(model, c.key) for c in Order.__mapper__.column_attrs}
            session.add(Order(**{**columns, "id": f"{number:036d}"}))
            session.flush()
            payment = {"id": f"{number:036d}", "order_id": f"{number:036d}", "method": "konbini", "state": "awaiting"}
            amounts = {"price": 1500, "handling": 120, "amount": 1620, "terms_version": "-"}
            session.add(Payment(**payment, **amounts, created_at=jst(22, 12), voucher_expires_at=DEADLINE))
    assert remind_at(portal, jst(24, 9)) == BATCH + 1
    assert remind_at(portal, jst(24, 10)) == 0
