"""The job that has Stripe make a refund which staff agreed to: one refund, whatever fails on the way (P1 to P5)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask, current_app
from pydantic import SecretStr

from app.checkout.staff_refunds import carry_out, put_off
from app.errors import StripeDownError
from app.gateways import stripe as gateway
from app.models import Order, RefundRequest
from app.portal import EXTENSION, Portal
from tests.checkout.shop import audit, session_for
from tests.helpers import Sandbox, make_order, reload, wait_for
from tests.staff import desk
from tests.staff.desk import act
from tests.staff.till import Till

READS = dict.fromkeys(("checkout_sessions", "payment_intents", "charges"), "read")


def approved(till: Till, amount: int = 500) -> tuple[Order, RefundRequest]:
    """Give an order, and a refund of a part of it that was agreed to."""
    order = till.bought()
    act(till.member(), order, "refund", payment=till.payment(order).id, amount=str(amount), reason="r")
    (request,) = till.asked(order)
    assert request.state == "approved"
    return order, request


def state_of(till: Till, order: Order) -> str:
    (request,) = till.asked(order)
    return request.state


def test_it_may_run_any_number_of_times(till: Till) -> None:
    order, request = approved(till)
    for attempt in (1, 1, 2):
        assert carry_out(request.id, attempt)
    assert (till.at_stripe(order, "amount"), state_of(till, order)) == ([500], "sent")
    assert audit(till.portal, order).count("refund.sent") == 1


@pytest.mark.parametrize("kind", ["500_before", "500_after"])
def test_p2_a_stored_failure_leads_to_one_refund(kind: str, till: Till) -> None:
    """The key replays the 500 for ever; another one is used only after a look at what is there."""
    order, request = approved(till)
    till.sandbox.control("faults", {"route": "POST /v1/refunds", "kind": kind, "times": 1})
    assert not carry_out(request.id, 1)
    assert state_of(till, order) == "approved"
    assert carry_out(request.id, 2)
    assert (till.at_stripe(order, "amount"), state_of(till, order)) == ([500], "sent")


@pytest.mark.parametrize("kind", ["reset_before", "reset_after", "timeout", "429"])
def test_p1_p3_p4_an_answer_that_got_lost(kind: str, till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "TIMEOUT_S", 1)
    quick = replace(till.portal, stripe=gateway.StripeGateway(till.portal.settings))
    monkeypatch.setitem(current_app.extensions, EXTENSION, quick)
    order, request = approved(till)
    till.sandbox.control("faults", {"route": "POST /v1/refunds", "kind": kind, "times": 1})
    assert carry_out(request.id, 1)
    assert (till.at_stripe(order, "amount"), state_of(till, order)) == ([500], "sent")


def test_p5_stripe_stays_away_and_comes_back(till: Till) -> None:
    """Half of the way through, the next run does the rest: the refund is not made again, only its outcome is read."""
    order, request = approved(till)
    till.sandbox.control("faults", {"route": "GET /v1/checkout/sessions/*", "kind": "reset_before"})
    with pytest.raises(StripeDownError):
        carry_out(request.id, 1)
    assert (state_of(till, order), reload(till.portal, order).money) == ("sent", "paid")
    till.sandbox.control("faults/clear")
    assert carry_out(request.id, 1)
    assert (till.at_stripe(order, "amount"), reload(till.portal, order).money) == ([500], "partly_refunded")


def test_while_stripe_is_away_it_is_asked_again_and_given_up_after_two_days(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, request = approved(till)
    put_off(request.id, StripeDownError())
    later = till.portal.jobs.client.list_workflows(status="DELAYED", name=["payments.staff_refund"])
    assert [job.input["args"][0] for job in later if job.input] == [request.id]
    assert state_of(till, order) == "approved"
    in_two_days = till.portal.clock() + timedelta(days=2)
    monkeypatch.setitem(current_app.extensions, EXTENSION, replace(till.portal, clock=lambda: in_two_days))
    put_off(request.id, StripeDownError())
    (request,) = till.asked(order)
    assert (request.state, request.error) == ("refused", "StripeDownError: stripe_down")


def test_a_refusal_ends_it_and_gives_the_amount_free(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key may not refund: staff read why, and can ask anew when that is mended."""
    order, request = approved(till, 1500)
    till.sandbox.control("keys", {"key": "rk_test_reader", "permissions": READS})
    weak = till.portal.settings.model_copy(update={"stripe_refund_key": SecretStr("rk_test_reader")})
    with monkeypatch.context() as patch:
        patch.setitem(current_app.extensions, EXTENSION, replace(till.portal, stripe=gateway.StripeGateway(weak)))
        assert carry_out(request.id, 1)
    (request,) = till.asked(order)
    assert request.state == "refused"
    assert "rak_charge_write" in str(request.error)
    assert "rk_test_reader" not in str(request.error)
    assert (till.at_stripe(order), audit(till.portal, order)[-1]) == ([], "refund.refused")
    client = till.member()
    assert "Refused by Stripe" in client.get(f"/staff/orders/{order.id}/refunds").text
    answer = act(client, order, "refund", payment=till.payment(order).id, amount="1500", reason="r")
    assert answer.status_code == 303
    till.work()
    assert till.at_stripe(order, "amount") == [1500]


def test_worker_and_webhooks_do_it_by_themselves(portal: Portal, app: Flask, live: str, sandbox: Sandbox) -> None:
    """The whole way: the form, the worker's job, Stripe, its events, the order's page."""
    assert live
    order = make_order(portal, state="delivered", delivered_at=portal.clock(), delivery={"files": []})
    payment, session_id = session_for(portal, order)
    sandbox.control(f"sessions/{session_id}/pay_card")
    wait_for(lambda: reload(portal, order).money == "paid", what="the payment")
    client = desk.member(portal, app, "refunder")
    answer = act(client, order, "refund", payment=payment.id, amount="1500", reason="wrong result")
    assert answer.status_code == 303, answer.text
    wait_for(lambda: reload(portal, order).money == "refunded", what="the refund")
    wait_for(lambda: "refund.sent" in audit(portal, order), what="the job")
    assert audit(portal, order).count("refund.succeeded") == 1
