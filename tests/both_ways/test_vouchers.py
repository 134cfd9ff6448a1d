"""What is not known of konbini vouchers: whichever way Stripe does it, the customer gets what is right."""

import urllib.error
import urllib.parse
import urllib.request

import pytest

from app.models import Order
from tests.both_ways.people import EXPIRED, OPEN, VOUCHER, order_page, says, voucher
from tests.checkout.shop import ask_stripe, payments
from tests.faults.house import House


def deadline(house: House, order: Order) -> int:
    """Return when the voucher's time is over, in seconds since 1970."""
    (payment,) = payments(house.portal, order)
    assert payment.voucher_expires_at is not None
    return int(payment.voucher_expires_at.timestamp())


def pay_by_card_instead(house: House, order: Order) -> str:
    """Choose the card although a voucher is out; return the Checkout Session's id."""
    browser = house.visitor(order)
    fields = {"csrf_token": browser.token(f"/orders/{order.id}/pay?method=card"), "method": "card"}
    answer = browser.post(f"/orders/{order.id}/pay", {**fields, "voucher_known": "1"})
    assert answer.status == 303, answer.text
    return answer.location.rsplit("/", 1)[-1]


@pytest.mark.parametrize("status", ["complete", "open"])
def test_the_session_of_a_voucher(house: House, status: str) -> None:
    """The voucher is shown, opens nothing, is not made twice, and opens the result once it is paid."""
    house.sandbox.control("settings", {"voucher_session_status": status})
    order = house.order()
    session_id = voucher(house, order)
    assert house.portal.stripe.retrieve_session(session_id)["status"] == status
    says(house, order, VOUCHER)
    assert house.now(order).money == "unpaid"
    browser = house.visitor(order)
    fields = {"csrf_token": browser.token(f"/orders/{order.id}/pay?method=card"), "method": "konbini"}
    assert browser.post(f"/orders/{order.id}/pay", fields).location == f"/orders/{order.id}/pay"
    assert len(payments(house.portal, order)) == 1
    house.sandbox.control(f"sessions/{session_id}/pay_at_till")
    says(house, order, OPEN)


@pytest.mark.parametrize("status", ["complete", "open"])
def test_the_session_of_a_voucher_that_runs_out(house: House, status: str) -> None:
    house.sandbox.control("settings", {"voucher_session_status": status})
    order = house.order()
    session_id = voucher(house, order)
    says(house, order, VOUCHER)
    house.sandbox.control(f"sessions/{session_id}/expire_voucher")
    says(house, order, EXPIRED)
    house.pay(house.begin(order))
    says(house, order, OPEN)


@pytest.mark.parametrize("cancellable", [False, True])
def test_cancelling_a_voucher(house: House, cancellable: bool) -> None:  # noqa: FBT001  (both ways)
    """Somebody of the company cancels the payment at Stripe: where that works, the customer may begin anew."""
    house.sandbox.control("settings", {"voucher_cancellable": cancellable})
    order = house.order()
    voucher(house, order)
    says(house, order, VOUCHER)
    (payment,) = payments(house.portal, order)
    path = f"payment_intents/{payment.payment_intent_id}/cancel"
    if cancellable:
        ask_stripe(house.sandbox, path)
        says(house, order, EXPIRED)
        house.pay(house.begin(order))
    else:
        with pytest.raises(urllib.error.HTTPError):
            ask_stripe(house.sandbox, path)
        assert VOUCHER in order_page(house, order)
        house.pay(pay_by_card_instead(house, order))
    says(house, order, OPEN)
    assert [p.anomaly for p in payments(house.portal, order)] == [None, None]


@pytest.mark.parametrize("buffer", [0, 3600, 5 * 24 * 3600])
def test_the_deadline_and_the_time_after_it(house: House, buffer: int) -> None:
    """Our own clock ends no voucher: only Stripe's word does, after a buffer whose length is not known."""
    house.sandbox.control("settings", {"late_payment_seconds": buffer})
    late, never = house.order(), house.order()
    session_id = voucher(house, late)
    voucher(house, never)
    for order in (late, never):
        says(house, order, VOUCHER)
    end = deadline(house, late)
    if buffer:
        house.pass_time(to=end + buffer - 60)
        assert VOUCHER in order_page(house, late)
        house.sandbox.control(f"sessions/{session_id}/pay_at_till")
        says(house, late, OPEN)
        assert VOUCHER in order_page(house, never)
    house.pass_time(to=end + buffer + 1)
    says(house, never, EXPIRED)
    assert house.until(lambda: house.sandbox.mails(never.email), 60, "the mail that the voucher is over")
    assert house.now(never).money == "unpaid"


@pytest.mark.parametrize("ordinary", ["waits", "pays_after_3_minutes"])
def test_an_ordinary_voucher(house: House, ordinary: str) -> None:
    house.sandbox.control("settings", {"ordinary_voucher": ordinary})
    order = house.order()
    session_id = voucher(house, order)
    says(house, order, VOUCHER)
    house.pass_time(seconds=181)
    if ordinary == "waits":
        assert VOUCHER in order_page(house, order)
        house.sandbox.control(f"sessions/{session_id}/pay_at_till")
    says(house, order, OPEN)


@pytest.mark.parametrize("required", [True, False])
def test_the_name_on_the_konbini_form(house: House, required: bool) -> None:  # noqa: FBT001
    """The portal sends no name and needs none: what the payer must type is between them and Stripe."""
    house.sandbox.control("settings", {"konbini_name_required": required})
    order = house.order()
    session_id = house.begin(order, "konbini")

    def send(name: str) -> int:
        form = {"email": order.email, "method": "konbini", "konbini_name": name}
        body = urllib.parse.urlencode(form).encode()
        try:
            with urllib.request.urlopen(f"{house.sandbox.stripe}/c/pay/{session_id}", body, timeout=20) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    if required:
        assert send("") == 422
        # Nothing is decided: the customer may come back and choose again.
        assert payments(house.portal, order)[0].state == "open"
        assert send("見本 太郎") == 200
    else:
        assert send("") == 200
    says(house, order, VOUCHER)


@pytest.mark.parametrize("fee", [0, 275])
def test_the_fee_of_a_konbini_refund(house: House, fee: int) -> None:
    """The customer gets the whole amount back, whatever Stripe keeps of ours for it."""
    house.sandbox.control("settings", {"konbini_refund_fee_yen": fee})
    order = house.bought("konbini")
    says(house, order, OPEN)
    (payment,) = payments(house.portal, order)
    refund = ask_stripe(house.sandbox, "refunds", payment_intent=str(payment.payment_intent_id))
    says(house, order, "The refund waits for your bank account")
    house.sandbox.control(f"refunds/{refund['id']}/outcome", {"status": "succeeded"})
    says(house, order, "This order was refunded")
    (payment,) = payments(house.portal, order)
    assert (payment.state, payment.amount_refunded) == ("refunded", payment.amount)
