"""The whole house runs with a restricted key: every test here shows that KEY_NEEDS is enough, these that it is needed.

AC: fault row P6. A key without a permission is told of by `portal check`; a customer loses nothing.
"""

import pytest

from tests.both_ways.conftest import KEY, KEY_NEEDS
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
    "charges": "Charges and Refunds: write",
    "disputes": "Disputes: read",
    "events": "Events: read",
    "balance_transaction_sources": "Balance transaction sources: read",
}
LESS = {"write": "read", "read": "none"}


def test_the_key_is_enough(house: House) -> None:
    """Card, konbini, paid twice and sent back at once, disputed: nothing is refused for want of a permission."""
    code, said = check(house.flask)
    assert code == 0, said
    assert "ok    Stripe: the key works" in said
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
    assert [call for call in house.told("calls") if call["status"] == 403 and call["key"].startswith("rk_")] == []


def test_it_is_told_where_people_look_for_it() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8").replace("\n# ", " ")
    for permission in CALLED.values():
        assert permission in example


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
