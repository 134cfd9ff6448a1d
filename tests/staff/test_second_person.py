"""Above the catalog's amount a second person must agree to a refund (AC-S03, ASVS 2.3.5)."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from app.checkout.settle import settle
from app.models import Order
from tests.checkout.shop import ask_stripe, audit, payments
from tests.helpers import reload
from tests.login.steps import post
from tests.staff.desk import act, done, logged, path_of
from tests.staff.till import Till


@pytest.fixture(autouse=True)
def _one_person_up_to_a_thousand(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    till.two_people_above(monkeypatch, 1000)


def page_of(order: Order) -> str:
    return f"/staff/orders/{order.id}/refunds"


def refund(till: Till, client: FlaskClient, order: Order, amount: int) -> str:
    """Ask for a refund; return the page that follows."""
    form = {"payment": till.payment(order).id, "amount": str(amount), "reason": "wrong result"}
    return done(client, act(client, order, "refund", **form), order)


def decide(till: Till, client: FlaskClient, order: Order, verdict: str, reason: str = "") -> tuple[int, str]:
    """Send one of the two forms of the page about the newest request; return the status and the page that follows."""
    newest = till.asked(order)[-1].id
    answer = post(client, page_of(order), request=newest, verdict=verdict, reason=reason)
    if answer.status_code == 303 and answer.location == page_of(order):
        return 303, client.get(answer.location).text
    return answer.status_code, answer.text


def states(till: Till, order: Order) -> list[str]:
    return [request.state for request in till.asked(order)]


def test_ac_s03_a_large_refund_waits_for_a_second_person(till: Till) -> None:
    """Nothing is at Stripe before; the order's page leads to the decision, which shows all that it needs."""
    order, first, second = till.bought(), till.member(), till.member()
    assert "A second person has to agree: one alone sends back ¥1,000 at most." in refund(till, first, order, 1500)
    assert (states(till, order), till.work(), till.at_stripe(order)) == (["waiting"], 0, [])
    assert page_of(order) in second.get(f"/staff/orders/{order.id}").text
    page = second.get(page_of(order)).text
    for told in ("¥1,500", "wrong result", till.asked(order)[0].asked_by, order.email, "To the card."):
        assert told in page
    status, page = decide(till, second, order, "agree")
    assert status == 303
    assert "¥1,500 goes back. To the card." in page
    assert till.work() == 1
    (request,) = till.asked(order)
    assert (request.state, request.asked_by != request.decided_by) == ("sent", True)
    assert (till.at_stripe(order, "amount"), reload(till.portal, order).money) == ([1500], "refunded")
    kinds = ("refund.waiting", "refund.approved", "refund.sent")
    assert [kind for kind in audit(till.portal, order) if kind in kinds] == list(kinds)
    row = next(row for row in logged(till.portal, order) if row.action == "refund.agree")
    assert (row.data["amount"], row.data["request"]) == (1500, request.id)


def test_ac_s03_who_asked_cannot_agree(till: Till) -> None:
    """The page offers no button, and a form sent all the same is refused."""
    order, client = till.bought(), till.member()
    refund(till, client, order, 1500)
    page = client.get(page_of(order)).text
    assert "somebody else has to agree" in page
    assert 'value="agree"' not in page
    status, page = decide(till, client, order, "agree")
    assert status == 422
    assert "Somebody else has to agree: you asked for it." in page
    assert (states(till, order), till.work()) == (["waiting"], 0)


@pytest.mark.parametrize("own", [True, False])
def test_ac_s03_declined_with_a_reason_it_comes_to_nothing(own: bool, till: Till) -> None:  # noqa: FBT001
    """By the second person, or by the first who thought better of it; the money can be asked for anew."""
    order, first, second = till.bought(), till.member(), till.member()
    refund(till, first, order, 1500)
    client = first if own else second
    assert decide(till, client, order, "decline")[0] == 422
    assert states(till, order) == ["waiting"]
    assert decide(till, client, order, "decline", "agreed on the phone")[0] == 303
    assert (states(till, order), till.work(), till.at_stripe(order)) == (["declined"], 0, [])
    row = next(row for row in logged(till.portal, order) if row.action == "refund.decline")
    assert row.reason == "agreed on the phone"
    assert decide(till, second, order, "agree")[0] == 422, "what is decided is decided"
    refund(till, first, order, 1500)
    assert states(till, order) == ["declined", "waiting"]


def test_ac_s03_agreed_to_twice_it_goes_back_once(till: Till) -> None:
    order, first, second, third = till.bought(), till.member(), till.member(), till.member()
    refund(till, first, order, 1500)
    assert decide(till, second, order, "agree")[0] == 303
    status, page = decide(till, third, order, "agree")
    assert status == 422
    assert "It is decided already." in page
    assert till.work() == 1
    assert till.at_stripe(order, "amount") == [1500]


def test_ac_s03_many_small_refunds_need_a_second_person_as_one_large_does(till: Till) -> None:
    """What one person sent back alone counts together, order by order."""
    order, other, client = till.bought(), till.bought(), till.member()
    refund(till, client, order, 600)
    refund(till, client, order, 400)
    refund(till, client, order, 1)
    refund(till, client, other, 1000)
    assert states(till, order) == ["approved", "approved", "waiting"]
    assert states(till, other) == ["approved"]


def test_one_at_a_time_waits(till: Till) -> None:
    order, client = till.bought(), till.member()
    till.paid(order, "konbini")
    for status, payment in zip((303, 422), payments(till.portal, order), strict=True):
        answer = act(client, order, "refund", payment=payment.id, amount="1500", reason="r")
        assert answer.status_code == status
    assert "Another refund of this order waits for a second person." in answer.text


def test_what_went_back_meanwhile_cannot_be_agreed_to(till: Till) -> None:
    """Somebody refunded in Stripe's dashboard while the request waited: nothing of the payment is left."""
    order, first, second = till.bought(), till.member(), till.member()
    refund(till, first, order, 1500)
    ask_stripe(till.sandbox, "refunds", payment_intent=str(till.payment(order).payment_intent_id), amount=500)
    settle(str(till.payment(order).session_id))
    status, page = decide(till, second, order, "agree")
    assert status == 422
    assert "it went back already" in page
    assert (states(till, order), till.work(), till.at_stripe(order, "amount")) == (["waiting"], 0, [500])


def test_ac_s03_to_agree_needs_a_fresh_second_factor_too(till: Till) -> None:
    """Looking does not; the code leads back to the page."""
    order, first, second = till.bought(), till.member(), till.member()
    refund(till, first, order, 1500)
    till.time_passes(timedelta(minutes=6))
    assert second.get(page_of(order)).status_code == 200
    answer = post(second, page_of(order), request=till.asked(order)[0].id, verdict="agree")
    assert answer.status_code == 303
    assert answer.location.startswith("/staff/login/code")
    assert f"order={order.id}" in answer.location
    assert "next=staff_refunds.show" in answer.location
    assert states(till, order) == ["waiting"]


@pytest.mark.parametrize("role", ["viewer", "support"])
def test_ac_s02_s03_who_may_not_refund_sees_and_decides_nothing(role: str, till: Till) -> None:
    order, first, other = till.bought(), till.member(), till.member(role)
    refund(till, first, order, 1500)
    page = other.get(page_of(order)).text
    assert "Somebody who may refund decides about it." in page
    assert 'name="verdict"' not in page
    assert decide(till, other, order, "agree")[0] == 403
    assert path_of(order, "refund") not in page
    assert states(till, order) == ["waiting"]
