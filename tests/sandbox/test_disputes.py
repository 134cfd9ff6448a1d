"""Disputes: the bank takes the money of a card payment, the shop answers, the bank decides."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import Stripe

FRAUD_CARD = "4000000000000259"


@pytest.fixture
def disputed(api: Stripe) -> Any:
    """Dispute a card payment of 1,500 yen."""
    intent: Any = api.paid_by_card().payment_intent
    opened = api.control(f"charges/{intent.latest_charge.id}/dispute", {"reason": "product_not_received"})
    return api.client.v1.disputes.retrieve(opened["id"])


def _balance(api: Stripe, dispute_id: str) -> list[tuple[int, int, str]]:
    found = api.client.v1.balance_transactions.list({"source": dispute_id}).data
    return [(one.net, one.fee, one.reporting_category) for one in reversed(found)]


def test_a_dispute_takes_the_money_and_its_fee(api: Stripe, disputed: Any) -> None:
    assert (disputed.status, disputed.reason, disputed.amount) == ("needs_response", "product_not_received", 1500)
    assert disputed.evidence_details.due_by - disputed.created == 7 * 24 * 3600
    assert _balance(api, disputed.id) == [(-3000, 1500, "dispute")]
    charge = api.client.v1.charges.retrieve(disputed.charge)
    assert (charge.disputed, charge.refunded) == (True, False)
    for type_ in ("charge.dispute.created", "charge.dispute.funds_withdrawn"):
        api.receiver.wait(disputed.id, type_)
    for name in ("charge", "payment_intent"):
        where: Any = {name: disputed[name]}
        assert [one.id for one in api.client.v1.disputes.list(where)] == [disputed.id]
    error = api.refusal(lambda: api.client.v1.refunds.create({"charge": charge.id}))
    assert error.code == "charge_disputed"
    api.control(f"charges/{charge.id}/dispute", status=400)


def test_winning_evidence_brings_the_money_back(api: Stripe, disputed: Any) -> None:
    won: Any = api.client.v1.disputes.update(disputed.id, {"evidence": {"uncategorized_text": "winning_evidence"}})
    assert (won.status, won.evidence_details.submission_count, won.evidence_details.has_evidence) == ("won", 1, True)
    assert _balance(api, disputed.id) == [(-3000, 1500, "dispute"), (1500, 0, "dispute_reversal")]
    assert [booked.amount for booked in won.balance_transactions] == [-1500, 1500]
    for type_ in ("charge.dispute.updated", "charge.dispute.funds_reinstated", "charge.dispute.closed"):
        api.receiver.wait(disputed.id, type_)
    assert api.client.v1.refunds.create({"charge": disputed.charge}).status == "succeeded"
    late: Any = {"evidence": {"uncategorized_text": "losing_evidence"}}
    assert api.refusal(lambda: api.client.v1.disputes.update(disputed.id, late)).param == "dispute"
    api.control(f"disputes/{disputed.id}/lose", status=400)


def test_the_fee_comes_back_where_the_switch_says_so(api: Stripe, disputed: Any) -> None:
    api.control("settings", {"dispute_fee_returned": True})
    try:
        api.control(f"disputes/{disputed.id}/win")
    finally:
        api.control("settings", {"dispute_fee_returned": False})
    assert _balance(api, disputed.id) == [(-3000, 1500, "dispute"), (3000, -1500, "dispute_reversal")]


def test_losing_evidence_loses(api: Stripe, disputed: Any) -> None:
    lost: Any = api.client.v1.disputes.update(disputed.id, {"evidence": {"uncategorized_text": "losing_evidence"}})
    assert lost.status == "lost"
    assert len(_balance(api, disputed.id)) == 1
    closed: Any = api.receiver.wait(disputed.id, "charge.dispute.closed")
    assert closed.data.object.status == "lost"
    assert api.refusal(lambda: api.client.v1.refunds.create({"charge": disputed.charge})).code == "charge_disputed"


def test_evidence_can_be_staged_before_it_is_handed_in(api: Stripe, disputed: Any) -> None:
    disputes = api.client.v1.disputes
    staged: Any = disputes.update(
        disputed.id, {"evidence": {"uncategorized_text": "winning_evidence"}, "metadata": {"by": "us"}, "submit": False}
    )
    assert (staged.status, staged.evidence_details.submission_count) == ("needs_response", 0)
    other: Any = disputes.update(disputed.id, {"evidence": {"uncategorized_text": "our side of it"}})
    assert (other.status, other.metadata["by"]) == ("under_review", "us")
    assert api.refusal(lambda: disputes.close(disputed.id)).param == "dispute"
    api.control(f"disputes/{disputed.id}/win")
    assert disputes.retrieve(disputed.id).status == "won"


def test_closing_gives_in(api: Stripe, disputed: Any) -> None:
    assert api.client.v1.disputes.close(disputed.id).status == "lost"
    assert api.refusal(lambda: api.client.v1.disputes.close(disputed.id)).http_status == 400


def test_the_test_card_is_disputed_by_itself(api: Stripe) -> None:
    session = api.create()
    api.control(f"sessions/{session.id}/pay_card", {"card_number": FRAUD_CARD})
    paid: Any = api.full(session.id)
    assert paid.payment_status == "paid"
    (dispute,) = api.client.v1.disputes.list({"payment_intent": paid.payment_intent.id}).data
    assert (dispute.reason, dispute.network_reason_code) == ("fraudulent", "10.4")


def test_what_cannot_be_disputed(api: Stripe) -> None:
    voucher = api.with_voucher()
    api.control(f"sessions/{voucher.id}/pay_at_till")
    cash: Any = api.full(voucher.id)
    api.control(f"charges/{cash.payment_intent.latest_charge.id}/dispute", status=400)
    card: Any = api.paid_by_card().payment_intent
    api.control(f"charges/{card.latest_charge.id}/dispute", {"reason": "mood"}, status=400)
    api.client.v1.refunds.create({"payment_intent": card.id})
    api.control(f"charges/{card.latest_charge.id}/dispute", status=400)
    api.control("charges/ch_none/dispute", status=404)
    api.control("disputes/du_none/win", status=404)
    assert api.refusal(lambda: api.client.v1.disputes.retrieve("du_none")).http_status == 404


def test_only_what_was_not_refunded_is_disputed(api: Stripe) -> None:
    card: Any = api.paid_by_card().payment_intent
    api.client.v1.refunds.create({"payment_intent": card.id, "amount": 400})
    assert api.control(f"charges/{card.latest_charge.id}/dispute")["amount"] == 1100


def test_an_unanswered_dispute_is_lost_when_its_time_is_over(own: Stripe) -> None:
    intent: Any = own.paid_by_card().payment_intent
    silent = own.control(f"charges/{intent.latest_charge.id}/dispute")
    other: Any = own.paid_by_card().payment_intent
    answered = own.control(f"charges/{other.latest_charge.id}/dispute")
    own.client.v1.disputes.update(answered["id"], {"evidence": {"uncategorized_text": "our side"}})
    own.control("time/advance", {"days": 8})
    lost: Any = own.client.v1.disputes.retrieve(silent["id"])
    assert (lost.status, lost.evidence_details.past_due) == ("lost", True)
    assert own.client.v1.disputes.retrieve(answered["id"]).status == "under_review"
