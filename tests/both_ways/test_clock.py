"""Time passes at Stripe and the portal goes with it (CLOCK_FILE): deadlines, refunds and signatures agree."""

from app.checkout.facts import read_session
from app.kit.clock import system_clock
from tests.both_ways.people import EXPIRED, OPEN, VOUCHER, order_page, says, voucher
from tests.checkout.shop import ask_stripe, payments
from tests.faults.house import House
from tests.webhooks.deliveries import encode, make_event, sign, stored

EXPIRED_MAIL = "The deadline for paying at the convenience store has passed."


def test_a_voucher_from_beginning_to_end(house: House) -> None:
    house.sandbox.control("settings", {"late_payment_seconds": 3600})
    order = house.order(locale="en")
    voucher(house, order)
    says(house, order, VOUCHER)
    (payment,) = payments(house.portal, order)
    assert payment.voucher_expires_at is not None
    end = int(payment.voucher_expires_at.timestamp())
    house.pass_time(to=end + 3601)
    assert house.portal.clock().timestamp() > end
    says(house, order, EXPIRED)
    house.until(lambda: any(EXPIRED_MAIL in mail["text"] for mail in house.sandbox.mails(order.email)), 60, "the mail")
    house.pay(house.begin(order))  # the last screen, its form and Stripe's page are all of the same day
    says(house, order, OPEN)


def test_45_days_without_a_bank_account(house: House) -> None:
    order = house.bought("konbini")
    says(house, order, OPEN)
    (payment,) = payments(house.portal, order)
    refund = ask_stripe(house.sandbox, "refunds", payment_intent=str(payment.payment_intent_id))
    says(house, order, "The refund waits for your bank account")
    house.pass_time(days=44)
    assert "The refund waits for your bank account" in order_page(house, order)
    house.pass_time(days=2)
    house.until(lambda: house.now(order).attention == "refund_failed", 60, "the call for staff")
    shown = read_session(house.portal.stripe.retrieve_session(str(payment.session_id))).refunds
    assert [(one.id, one.status) for one in shown] == [(refund["id"], "failed")]
    assert "This order was refunded" not in order_page(house, order)


def test_a_signature_is_judged_by_the_clock_that_is_followed(house: House) -> None:
    """Days ahead of the machine's time is now; the machine's time is days ago, and refused."""
    house.pass_time(days=3)
    body = encode(event := make_event(created=int(house.portal.clock().timestamp())))
    ahead = round((house.portal.clock() - system_clock()).total_seconds())
    assert ahead >= 3 * 86_400
    browser = house.visitor()
    assert browser.deliver(body, sign(body)).status == 400
    assert stored(house.portal, event["id"]) is None
    assert browser.deliver(body, sign(body, late=-ahead)).status == 200
    assert stored(house.portal, event["id"]) is not None
