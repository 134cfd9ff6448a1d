"""The whole house runs with a restricted key: every test here shows that KEY_NEEDS is enough, these that it is needed.

AC: fault row P6. A key without a permission is told of by `portal check`; a customer loses nothing.
"""

import pytest
import stripe
from pydantic import SecretStr

from app.errors import StripeRefusedError
from app.gateways.stripe import StripeGateway
from tests.both_ways.conftest import KEY, KEY_NEEDS, REFUND_KEY
from tests.both_ways.people import OPEN, VOUCHER, history, logged_in, order_page, row_of, says, voucher
from tests.checkout.shop import payments
from tests.checkout.test_check import check
from tests.faults.house import House
from tests.faults.visitor import Answer
from tests.helpers import ROOT

# Resource of the stand-in -> what Stripe's Dashboard and `portal check` call the permission.
CALLED = {
    "account": "Account: read",
    "checkout_sessions": "Checkout Sessions: write",
    "payment_intents": "PaymentIntents: read",
    "charges": "Charges and Refunds: read",
    "disputes": "Disputes: read",
    "events": "Events: read",
    "balance_transaction_sources": "Balance transaction sources: read",
}
FOR_REFUNDS = "Charges and Refunds: write"
LESS = {"write": "read", "read": "none"}


def test_the_key_is_enough(house: House) -> None:
    """Card, konbini, paid twice and sent back at once, disputed: nothing is refused for want of a permission."""
    code, said = check(house.flask)
    assert code == 0, said
    assert "ok    Stripe: the key works" in said
    assert "ok    refunds: STRIPE_REFUND_KEY can send money back" in said
    assert "STRIPE_API_KEY can send money back" not in said
    checked = max(call["seq"] for call in house.told("calls"))
    order = house.order()
    slip = voucher(house, order)
    says(house, order, VOUCHER)
    browser = house.visitor(order)
    fields = {
        "csrf_token": browser.token(f"/orders/{order.id}/pay?method=card"),
        "method": "card",
        "voucher_known": "1",
    }
    house.pay(browser.post(f"/orders/{order.id}/pay", fields).location.rsplit("/", 1)[-1])
    says(house, order, OPEN)
    house.sandbox.control(f"sessions/{slip}/pay_at_till")
    house.until(
        lambda: any(p.state == "refunded" for p in payments(house.portal, order)), 60, "the second payment back"
    )
    other = house.bought()
    says(house, other, OPEN)
    (payment,) = payments(house.portal, other)
    charge = house.portal.stripe.retrieve_session(str(payment.session_id))["payment_intent"]["latest_charge"]
    house.sandbox.control(f"charges/{charge['id']}/dispute")
    house.until(lambda: payments(house.portal, other)[0].dispute, 60, "the dispute")
    house.pass_time(days=1)  # every scheduled job has run
    calls = house.told(f"calls?after={checked}")
    assert [call for call in calls if call["status"] == 403] == []
    refunds = {call["key"] for call in calls if call["route"] == "POST /v1/refunds"}
    assert refunds == {masked(REFUND_KEY)}, "AC-S09: refunds, and nothing else, are made with the key for them"
    assert {call["route"] for call in calls if call["key"] == masked(REFUND_KEY)} == {"POST /v1/refunds"}


def test_ac_s09_the_webs_key_cannot_refund(house: House) -> None:
    """The contract of the refusal: 403, not retried under another key; nothing goes back, and staff are told why."""
    order = house.bought()
    says(house, order, OPEN)
    (payment,) = payments(house.portal, order)
    weak = house.portal.settings.model_copy(update={"stripe_refund_key": SecretStr(KEY)})
    with pytest.raises(StripeRefusedError) as caught:
        StripeGateway(weak).create_refund(str(payment.payment_intent_id), 1, "duplicate", {}, key="refund-by-the-web")
    cause = caught.value.__cause__
    assert isinstance(cause, stripe.PermissionError)
    assert cause.http_status == 403
    assert "rak_charge_write" in str(cause)
    assert house.portal.stripe.refunds_of_intent(str(payment.payment_intent_id)) == []


def test_ac_s09_the_key_for_refunds_can_do_nothing_else(house: House) -> None:
    """Whoever gets hold of it can't begin a payment, read sessions or events."""
    other = house.portal.settings.model_copy(update={"stripe_api_key": SecretStr(REFUND_KEY)})
    assert StripeGateway(other).missing_permissions() == [
        name for name in CALLED.values() if name != "Charges and Refunds: read"
    ]


@pytest.mark.parametrize("level", ["none", "read"])
def test_ac_s09_a_key_for_refunds_that_makes_none_is_told(house: House, level: str) -> None:
    house.sandbox.control("keys", {"key": REFUND_KEY, "permissions": {"charges": level}})
    code, said = check(house.flask)
    assert code == 1
    assert "fail  refunds: STRIPE_REFUND_KEY lacks: Charges and Refunds: write" in said


def test_ac_s09_a_web_key_that_can_refund_is_told(house: House) -> None:
    """Where real money moves that is a failure; in a demo and here a warning."""
    house.sandbox.control("keys", {"key": KEY, "permissions": {**KEY_NEEDS, "charges": "write"}})
    code, said = check(house.flask)
    assert code == 0
    assert "warn  refunds: STRIPE_API_KEY can send money back too" in said


def test_it_is_told_where_people_look_for_it() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8").replace("\n# ", " ")
    for permission in (*CALLED.values(), FOR_REFUNDS):
        assert permission in example


def masked(key: str) -> str:
    """Return a key as the stand-in shows it."""
    secret = key.removeprefix("rk_test_")
    return f"rk_test_{'*' * (len(secret) - 4)}{secret[-4:]}"


def friendly(answer: Answer) -> bool:
    return answer.status in {200, 303} or (answer.status == 502 and "<h1" in answer.text and "/pay" in answer.text)


@pytest.mark.parametrize("resource", KEY_NEEDS)
def test_one_permission_less(house: House, resource: str) -> None:
    less = {**KEY_NEEDS, resource: LESS[KEY_NEEDS[resource]]}
    order = house.order()
    house.sandbox.control("keys", {"key": KEY, "permissions": less})
    code, said = check(house.flask)
    assert code == 1
    assert f"fail  Stripe: the key lacks: {CALLED[resource]}." in said

    browser = house.visitor(order)
    fields = {"csrf_token": browser.token(f"/orders/{order.id}/pay?method=card"), "method": "card"}
    pressed = browser.post(f"/orders/{order.id}/pay", fields)
    assert friendly(pressed), pressed.text
    if pressed.status == 303:
        session_id = pressed.location.rsplit("/", 1)[-1]
        house.pay(session_id)
        assert friendly(browser.get(f"/orders/{order.id}/return?session_id={session_id}"))
    assert order_page(house, order)
    assert row_of(history(logged_in(house, order.email)), order)

    house.sandbox.control("keys", {"key": KEY, "permissions": KEY_NEEDS})
    if pressed.status != 303:
        house.pay(house.begin(order))
    house.pass_time(hours=1)
    says(house, order, OPEN)
    assert [p.state for p in payments(house.portal, order)].count("paid") == 1
