"""An order that is paid twice: opened once, one payment kept, the other sent back once (AC-W08, P1 to P4)."""

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from flask import current_app
from pydantic import SecretStr

from app.catalog import PaymentRules
from app.checkout.balance import extras
from app.checkout.refunds import give_back
from app.checkout.settle import settle
from app.errors import StripeDownError
from app.gateways import stripe as gateway
from app.models import Order, Payment
from app.portal import EXTENSION, Portal
from tests.checkout.shop import ask_stripe, audit, mails, payments, session_for
from tests.helpers import Sandbox, make_order, reload

READS = dict.fromkeys(("checkout_sessions", "payment_intents", "charges"), "read")
House = tuple[Portal, dict[str, str]]


@pytest.fixture
def shop(own_house: House, sandbox: Sandbox) -> Iterator[Portal]:
    """Give a portal that no worker works for, so that the test itself does what the job does."""
    sandbox.control("faults/clear")
    yield own_house[0]
    sandbox.control("faults/clear")


def changed(patch: pytest.MonkeyPatch, shop: Portal, **parts: Any) -> None:
    """Let the portal have other parts for a while."""
    patch.setitem(current_app.extensions, EXTENSION, replace(shop, **parts))


def pay(sandbox: Sandbox, session_id: str, method: str) -> None:
    """Pay at Stripe; the portal does not hear of it."""
    if method == "card":
        sandbox.control(f"sessions/{session_id}/pay_card")
        return
    sandbox.control(f"sessions/{session_id}/issue_voucher")
    sandbox.control(f"sessions/{session_id}/pay_at_till")


def paid_by(portal: Portal, sandbox: Sandbox, *methods: str) -> tuple[Order, list[str]]:
    """Give an order that was paid by each of the methods at Stripe, with the sessions, in the order of their begin."""
    order = make_order(portal, state="analysed")
    found = [session_for(portal, order, state="expired", method=method)[1] for method in methods]
    for session_id, method in zip(found, methods, strict=True):
        pay(sandbox, session_id, method)
    return order, found


def twice(portal: Portal, sandbox: Sandbox, *methods: str) -> tuple[Order, Payment, Payment]:
    """Give an order that was paid twice, with the payment that stays and the extra one."""
    order, found = paid_by(portal, sandbox, *methods)
    for session_id in found:
        settle(session_id)
    (extra,) = [p for p in payments(portal, order) if p.anomaly]
    (kept,) = [p for p in payments(portal, order) if not p.anomaly]
    return order, kept, extra


def refunds_at_stripe(sandbox: Sandbox, payment: Payment, field: str = "status") -> list[str]:
    """Ask Stripe for a field of all refunds of a payment."""
    request = urllib.request.Request(
        f"{sandbox.stripe}/v1/refunds?payment_intent={payment.payment_intent_id}",
        headers={"Authorization": "Bearer sk_test_dummy_for_the_stand_in"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return [refund[field] for refund in json.load(answer)["data"]]


def jobs_of(portal: Portal, payment: Payment) -> int:
    """Count the jobs that send this payment back."""
    return len(portal.jobs.client.list_workflows(workflow_ids=[f"payments.refund:{payment.id}"]))


@pytest.mark.parametrize("arrival", [(0, 1), (1, 0)])
@pytest.mark.parametrize(
    ("methods", "extra"),
    [
        (("card", "konbini"), 0),
        (("konbini", "card"), 1),
        (("card", "card"), 1),
        (("konbini", "konbini"), 1),
    ],
)
def test_ac_w08_one_stays_and_one_goes_back(
    methods: tuple[str, str], extra: int, arrival: tuple[int, int], shop: Portal, sandbox: Sandbox
) -> None:
    """The card goes back where there is one, else the one begun later; whichever we hear of first."""
    order, found = paid_by(shop, sandbox, *methods)
    for n in (*arrival, *arrival):
        settle(found[n])
    both = payments(shop, order)
    assert [p.anomaly for p in both] == ["double_payment" if n == extra else None for n in (0, 1)]
    now = reload(shop, order)
    assert (now.money, now.attention) == ("paid", "double_payment")
    kinds = audit(shop, order)
    assert (kinds.count("money.paid"), kinds.count("payment.double")) == (1, 1)
    assert mails(shop, order) == ["paid_twice"]
    assert [jobs_of(shop, p) for p in both] == [int(n == extra) for n in (0, 1)]

    assert give_back(both[extra].id, 1)
    assert give_back(both[extra].id, 1)
    states = [p.state for p in payments(shop, order)]
    assert states == ["refunded" if n == extra else "paid" for n in (0, 1)]
    now = reload(shop, order)
    assert (now.money, now.attention) == ("paid", None)
    assert audit(shop, order).count("money.paid") == 1
    assert "money.refunded" not in audit(shop, order)
    assert len(refunds_at_stripe(sandbox, both[extra])) == 1
    assert refunds_at_stripe(sandbox, both[1 - extra]) == []


@pytest.mark.parametrize("arrival", list(permutations(range(3))))
def test_three_payments(arrival: tuple[int, ...], shop: Portal, sandbox: Sandbox) -> None:
    order, found = paid_by(shop, sandbox, "card", "konbini", "card")
    for n in arrival:
        settle(found[n])
    assert [p.method for p in extras(payments(shop, order))] == ["card", "card"]
    for payment in payments(shop, order):
        give_back(payment.id, 1)
    assert [(p.method, p.state) for p in payments(shop, order)] == [
        ("card", "refunded"),
        ("konbini", "paid"),
        ("card", "refunded"),
    ]
    assert reload(shop, order).money == "paid"


def test_not_by_itself_where_the_catalog_does_not_say_so(
    shop: Portal, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed(monkeypatch, shop, catalog=shop.catalog.model_copy(update={"payments": PaymentRules()}))
    order, _, extra = twice(shop, sandbox, "card", "konbini")
    assert jobs_of(shop, extra) == 0
    assert (reload(shop, order).attention, mails(shop, order)) == ("double_payment", ["paid_twice"])
    ask_stripe(sandbox, "refunds", payment_intent=str(extra.payment_intent_id))  # by staff, in the dashboard
    settle(str(extra.session_id))
    now = reload(shop, order)
    assert (now.money, now.attention) == ("paid", None)


def test_nothing_goes_back_when_staff_sent_the_other_one_back(shop: Portal, sandbox: Sandbox) -> None:
    """The job looks at all money anew before it moves any."""
    order, kept, extra = twice(shop, sandbox, "card", "konbini")
    ask_stripe(sandbox, "refunds", payment_intent=str(kept.payment_intent_id))
    assert give_back(extra.id, 1)
    assert refunds_at_stripe(sandbox, extra) == []
    assert reload(shop, order).money == "paid"
    assert reload(shop, order).attention is None


def test_a_payment_that_went_back_in_part_is_for_staff(shop: Portal, sandbox: Sandbox) -> None:
    order, found = paid_by(shop, sandbox, "card", "konbini")
    intent = shop.stripe.retrieve_session(found[0])["payment_intent"]["id"]
    settle(found[0])
    ask_stripe(sandbox, "refunds", payment_intent=intent, amount=500)
    for session_id in found:
        settle(session_id)
    card, _ = payments(shop, order)
    assert (card.anomaly, jobs_of(shop, card)) == ("double_payment", 0)
    assert give_back(card.id, 1)
    assert len(refunds_at_stripe(sandbox, card)) == 1
    now = reload(shop, order)
    assert (now.money, now.attention) == ("paid", "double_payment")


def test_a_disputed_payment_is_for_staff(shop: Portal, sandbox: Sandbox) -> None:
    order, found = paid_by(shop, sandbox, "card", "konbini")
    charge = shop.stripe.retrieve_session(found[0])["payment_intent"]["latest_charge"]["id"]
    sandbox.control(f"charges/{charge}/dispute")
    for session_id in found:
        settle(session_id)
    card, _ = payments(shop, order)
    assert (card.anomaly, jobs_of(shop, card)) == ("double_payment", 0)
    assert give_back(card.id, 1)
    assert refunds_at_stripe(sandbox, card) == []


def test_ac_w08_a_slip_paid_after_the_card_went_back(shop: Portal, sandbox: Sandbox) -> None:
    """The customer was refunded and pays the slip all the same: we hold one payment, so the order is paid."""
    order = make_order(shop, state="analysed")
    _, voucher = session_for(shop, order, method="konbini")
    sandbox.control(f"sessions/{voucher}/issue_voucher")
    settle(voucher)
    _, card = session_for(shop, order)
    pay(sandbox, card, "card")
    settle(card)
    ask_stripe(sandbox, "refunds", payment_intent=shop.stripe.retrieve_session(card)["payment_intent"]["id"])
    settle(card)
    assert reload(shop, order).money == "refunded"
    sandbox.control(f"sessions/{voucher}/pay_at_till")
    settle(voucher)
    now = reload(shop, order)
    assert (now.money, now.attention) == ("paid", None)
    assert audit(shop, order)[-1] == "money.paid_again"


def test_a_refund_that_fails_brings_the_double_payment_back(shop: Portal, sandbox: Sandbox) -> None:
    order, _, extra = twice(shop, sandbox, "konbini", "konbini")
    give_back(extra.id, 1)
    (refund,) = refunds_at_stripe(sandbox, extra, "id")
    assert reload(shop, order).attention is None
    sandbox.control(f"refunds/{refund}/outcome", {"status": "failed"})
    settle(str(extra.session_id))
    now = reload(shop, order)
    assert (now.money, now.attention) == ("paid", "double_payment")
    assert give_back(extra.id, 1), "staff must look at it; the portal does not try again by itself"
    assert refunds_at_stripe(sandbox, extra) == ["failed"]


@pytest.mark.parametrize("kind", ["500_before", "500_after"])
def test_p2_a_stored_failure_leads_to_one_refund(kind: str, shop: Portal, sandbox: Sandbox) -> None:
    """The key replays the 500 for ever; the next key is used only after a look at what is there."""
    order, _, extra = twice(shop, sandbox, "card", "konbini")
    sandbox.control("faults", {"route": "POST /v1/refunds", "kind": kind, "times": 1})
    assert not give_back(extra.id, 1)
    assert not (kind == "500_before" and give_back(extra.id, 1)), "the same key says the same"
    assert give_back(extra.id, 2)
    assert refunds_at_stripe(sandbox, extra) == ["succeeded"]
    assert [p.state for p in payments(shop, order)] == ["refunded", "paid"]


@pytest.mark.parametrize("kind", ["reset_before", "reset_after", "timeout", "429"])
def test_p1_p3_p4_an_answer_that_got_lost(
    kind: str, shop: Portal, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "TIMEOUT_S", 1)
    changed(monkeypatch, shop, stripe=gateway.StripeGateway(shop.settings))
    order, _, extra = twice(shop, sandbox, "card", "konbini")
    sandbox.control("faults", {"route": "POST /v1/refunds", "kind": kind, "times": 1})
    assert give_back(extra.id, 1)
    assert refunds_at_stripe(sandbox, extra) == ["succeeded"]
    assert reload(shop, order).money == "paid"


def test_p5_stripe_stays_away_and_comes_back(shop: Portal, sandbox: Sandbox) -> None:
    _, _, extra = twice(shop, sandbox, "card", "konbini")
    sandbox.control("faults", {"route": "* /v1/*", "kind": "reset_before"})
    with pytest.raises(StripeDownError):
        give_back(extra.id, 1)
    sandbox.control("faults/clear")
    assert give_back(extra.id, 1)
    assert refunds_at_stripe(sandbox, extra) == ["succeeded"]


def test_a_refusal_is_for_staff(shop: Portal, sandbox: Sandbox) -> None:
    """The key may not refund: staff see that the order is paid twice, and why nothing went back."""
    order, _, extra = twice(shop, sandbox, "card", "konbini")
    sandbox.control("keys", {"key": "rk_test_reader", "permissions": READS})
    weak = shop.settings.model_copy(update={"stripe_refund_key": SecretStr("rk_test_reader")})
    with pytest.MonkeyPatch.context() as patch:
        changed(patch, shop, stripe=gateway.StripeGateway(weak))
        assert give_back(extra.id, 1)
    assert audit(shop, order)[-1] == "refund.gave_up"
    assert reload(shop, order).attention == "double_payment"
    assert refunds_at_stripe(sandbox, extra) == []
