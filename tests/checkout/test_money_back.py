"""Money that goes back: refunds, whole and in part, that come about or fail (AC-W17), and disputes."""

import copy

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.checkout.facts import read_session
from app.checkout.settle import settle
from app.models import Order, Payment, Refund
from app.portal import Portal
from tests.checkout.shop import ask_stripe, audit, mails, paid, payments
from tests.helpers import Sandbox, reload


def money(portal: Portal, order: Order) -> tuple[str, str, int]:
    (payment,) = payments(portal, order)
    return reload(portal, order).money, payment.state, payment.amount_refunded


def test_ac_w17_two_partial_refunds(portal: Portal, client: FlaskClient, sandbox: Sandbox) -> None:
    """Two refunds in part add up to the whole and never to more."""
    order, session_id, intent = paid(portal, client, sandbox)
    settle(session_id)
    ask_stripe(sandbox, "refunds", payment_intent=intent, amount=500)
    settle(session_id)
    assert money(portal, order) == ("partly_refunded", "partly_refunded", 500)
    ask_stripe(sandbox, "refunds", payment_intent=intent, amount=1000)
    settle(session_id)
    settle(session_id)
    assert money(portal, order) == ("refunded", "refunded", 1500)
    assert audit(portal, order).count("refund.succeeded") == 2


def test_ac_w17_refunded_before_we_saw_it_paid(portal: Portal, client: FlaskClient, sandbox: Sandbox) -> None:
    """A refund that is known before the payment: both are written, in their order."""
    order, session_id, intent = paid(portal, client, sandbox)
    ask_stripe(sandbox, "refunds", payment_intent=intent)
    settle(session_id)
    assert money(portal, order) == ("refunded", "refunded", 1500)
    kinds = audit(portal, order)
    assert kinds.index("money.paid") < kinds.index("money.refunded")


def test_ac_w17_a_konbini_refund_that_fails(portal: Portal, client: FlaskClient, sandbox: Sandbox) -> None:
    """The bank details never came: after weeks the money is ours again, and the result opens again."""
    order, session_id, intent = paid(portal, client, sandbox, "konbini")
    settle(session_id)
    refund = ask_stripe(sandbox, "refunds", payment_intent=intent)
    settle(session_id)
    assert money(portal, order) == ("refunded", "refunded", 1620)
    sandbox.control(f"refunds/{refund['id']}/outcome", {"status": "failed"})
    settle(session_id)
    assert money(portal, order) == ("paid", "paid", 0)
    assert audit(portal, order)[-3:] == ["refund.failed", "payment.paid", "money.paid_again"]


def test_an_old_answer_does_not_undo_a_refund(
    portal: Portal, client: FlaskClient, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read before the refund, applied after it: the state stays where the newer answer brought it."""
    order, session_id, intent = paid(portal, client, sandbox)
    old = portal.stripe.retrieve_session(session_id)
    settle(session_id)
    ask_stripe(sandbox, "refunds", payment_intent=intent)
    settle(session_id)
    with monkeypatch.context() as slow:
        slow.setattr(portal.stripe, "retrieve_session", lambda _id, **_how: old)
        settle(session_id)
    assert money(portal, order) == ("refunded", "refunded", 1500)


def konbini_refund(portal: Portal, client: FlaskClient, sandbox: Sandbox) -> tuple[Order, str, str]:
    """Give a konbini order whose refund waits for the bank account, its session and its refund."""
    order, session_id, intent = paid(portal, client, sandbox, "konbini")
    settle(session_id)
    refund = ask_stripe(sandbox, "refunds", payment_intent=intent)
    settle(session_id)
    return order, session_id, refund["id"]


def refund_states(portal: Portal, order: Order) -> list[str]:
    with portal.database.transaction() as session:
        rows = select(Refund.state).join(Payment, Payment.id == Refund.payment_id).where(Payment.order_id == order.id)
        return list(session.scalars(rows))


def test_a_konbini_refund_closes_the_result_from_its_first_moment(
    portal: Portal, client: FlaskClient, sandbox: Sandbox
) -> None:
    order, session_id, refund = konbini_refund(portal, client, sandbox)
    for status in ("requires_action", "pending", "requires_action", "pending", "succeeded"):
        if refund_states(portal, order) != [status]:
            sandbox.control(f"refunds/{refund}/outcome", {"status": status})
            settle(session_id)
        assert refund_states(portal, order) == [status]
        assert money(portal, order) == ("refunded", "refunded", 1620)
        assert client.get(f"/orders/{order.id}/files/result.zip").status_code == 410
    assert mails(portal, order).count("refund") == 1
    assert reload(portal, order).attention is None


def test_a_failed_refund_opens_the_result_and_calls_staff(
    portal: Portal, client: FlaskClient, sandbox: Sandbox
) -> None:
    """No bank account in 45 days: the money is ours, the customer's result is open, and a person must find a way."""
    order, session_id, refund = konbini_refund(portal, client, sandbox)
    sandbox.control(f"refunds/{refund}/outcome", {"status": "failed"})
    settle(session_id)
    assert money(portal, order) == ("paid", "paid", 0)
    assert reload(portal, order).attention == "refund_failed"
    # Staff try once more, and it works: nothing is left to look at.
    ask_stripe(sandbox, "refunds", payment_intent=str(payments(portal, order)[0].payment_intent_id))
    settle(session_id)
    assert money(portal, order) == ("refunded", "refunded", 1620)
    assert reload(portal, order).attention is None


def test_ac_w17_a_refund_that_the_charge_does_not_count_yet(
    portal: Portal, client: FlaskClient, sandbox: Sandbox
) -> None:
    """Whether Stripe counts a refund under way in the charge's own sum is not documented: each refund is counted."""
    _, session_id, intent = paid(portal, client, sandbox, "konbini")
    ask_stripe(sandbox, "refunds", payment_intent=intent, amount=600)
    session = portal.stripe.retrieve_session(session_id)
    charge = session["payment_intent"]["latest_charge"]
    charge["amount_refunded"] = 0
    assert read_session(session).amount_refunded == 600
    charge["refunds"]["data"][0]["status"] = "failed"
    charge["amount_refunded"] = 600
    assert read_session(session).amount_refunded == 0
    charge["refunds"]["has_more"] = True
    assert read_session(session).amount_refunded == 600


def disputed(portal: Portal, client: FlaskClient, sandbox: Sandbox) -> tuple[Order, str, str]:
    """Give a paid order whose charge is disputed, its session and its dispute."""
    order, session_id, _ = paid(portal, client, sandbox)
    settle(session_id)
    charge = portal.stripe.retrieve_session(session_id)["payment_intent"]["latest_charge"]["id"]
    dispute = sandbox.control(f"charges/{charge}/dispute")
    settle(session_id)
    return order, session_id, dispute["id"]


def stage(portal: Portal, order: Order) -> tuple[str | None, str | None, str]:
    """Give what the payment, the order's attention and the order's money say of a dispute."""
    now = reload(portal, order)
    return payments(portal, order)[0].dispute, now.attention, now.money


def test_an_open_dispute_calls_staff_and_moves_no_money_of_ours(
    portal: Portal, client: FlaskClient, sandbox: Sandbox
) -> None:
    order, session_id, _ = disputed(portal, client, sandbox)
    settle(session_id)
    assert stage(portal, order) == ("needs_response", "disputed", "paid")
    assert audit(portal, order).count("payment.disputed") == 1


def test_a_dispute_won_is_over(portal: Portal, client: FlaskClient, sandbox: Sandbox) -> None:
    order, session_id, dispute = disputed(portal, client, sandbox)
    sandbox.control(f"disputes/{dispute}/win")
    settle(session_id)
    assert stage(portal, order) == ("won", None, "paid")


def test_a_dispute_lost_closes_the_result(portal: Portal, client: FlaskClient, sandbox: Sandbox) -> None:
    """The bank took the money: as after a refund, but no mail of ours tells of one."""
    order, session_id, dispute = disputed(portal, client, sandbox)
    sandbox.control(f"disputes/{dispute}/lose")
    settle(session_id)
    assert stage(portal, order) == ("lost", None, "refunded")
    assert money(portal, order) == ("refunded", "refunded", 0)
    assert "refund" not in mails(portal, order)


def test_a_dispute_lost_after_a_partial_refund(portal: Portal, client: FlaskClient, sandbox: Sandbox) -> None:
    order, session_id, intent = paid(portal, client, sandbox)
    ask_stripe(sandbox, "refunds", payment_intent=intent, amount=500)
    settle(session_id)
    charge = portal.stripe.retrieve_session(session_id)["payment_intent"]["latest_charge"]["id"]
    dispute = sandbox.control(f"charges/{charge}/dispute")
    settle(session_id)
    assert money(portal, order) == ("partly_refunded", "partly_refunded", 500)
    sandbox.control(f"disputes/{dispute['id']}/lose")
    settle(session_id)
    assert money(portal, order) == ("refunded", "refunded", 500)


@pytest.mark.parametrize("verdict", ["win", "lose"])
def test_an_old_answer_does_not_open_a_dispute_again(
    verdict: str, portal: Portal, client: FlaskClient, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, session_id, dispute = disputed(portal, client, sandbox)
    open_ = portal.stripe.retrieve_session(session_id)
    before = copy.deepcopy(open_)
    before["payment_intent"]["latest_charge"] |= {"disputed": False, "disputes": []}
    sandbox.control(f"disputes/{dispute}/{verdict}")
    settle(session_id)
    known = stage(portal, order)
    for old in (open_, before):
        with monkeypatch.context() as slow:
            slow.setattr(portal.stripe, "retrieve_session", lambda _id, old=old, **_how: old)
            settle(session_id)
        assert stage(portal, order) == known


def test_a_lost_dispute_that_is_won_on_appeal(
    portal: Portal, client: FlaskClient, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stripe knows appeals since 2026 (Dispute.status); the stand-in does not play them, so the words are put in."""
    order, session_id, dispute = disputed(portal, client, sandbox)
    sandbox.control(f"disputes/{dispute}/lose")
    settle(session_id)
    shown = portal.stripe.retrieve_session(session_id)
    monkeypatch.setattr(portal.stripe, "retrieve_session", lambda _id, **_how: shown)
    for word, attention, money_ in (("appeal_under_review", "disputed", "refunded"), ("won", None, "paid")):
        shown["payment_intent"]["latest_charge"]["disputes"][0]["status"] = word
        settle(session_id)
        assert stage(portal, order) == (word, attention, money_)
