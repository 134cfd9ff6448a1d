"""The bank-details page of a konbini refund, and what the bank does with each test account (a table of ours)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import Stripe
from tests.sandbox.pages import get, submit

GOOD = {
    "bank_code": "0001",
    "branch_code": "123",
    "account_number": "7654321",
    "account_holder": "ヤマダ タロウ",
}
TEST_BANK = {**GOOD, "bank_code": "1100", "branch_code": "000"}
DAYS = 24 * 3600


def refund_in_cash(api: Stripe) -> Any:
    session: Any = api.with_voucher()
    api.control(f"sessions/{session.id}/pay_at_till")
    return api.client.v1.refunds.create({"payment_intent": session.payment_intent.id})


def status(api: Stripe, refund: Any) -> str:
    return str(api.client.v1.refunds.retrieve(refund.id).status)


def test_a_right_account_gets_its_money_after_three_days(own: Stripe) -> None:
    refund = refund_in_cash(own)
    page = f"/refund/{refund.id}"
    assert "返金先の口座" in get(own, page)[2]
    assert submit(own, page, **GOOD)[:2] == (200, page)
    assert status(own, refund) == "pending"
    own.receiver.wait(refund.id, "refund.updated")
    assert "手続き中" in get(own, page)[2]
    own.control("time/advance", {"seconds": 3 * DAYS - 60})
    assert status(own, refund) == "pending"
    own.control("time/advance", {"seconds": 60})
    assert status(own, refund) == "succeeded"
    assert "完了しました" in get(own, page)[2]
    own.receiver.wait(refund.id, "refund.updated", 2)
    # Sent twice, by a second tab: it says how far the refund is.
    assert submit(own, page, **GOOD)[0] == 200
    assert status(own, refund) == "succeeded"


@pytest.mark.parametrize("number", ["1111113", "1111116"])
def test_a_wrong_account_is_asked_for_again(own: Stripe, number: str) -> None:
    refund = refund_in_cash(own)
    page = f"/refund/{refund.id}"
    submit(own, page, **{**TEST_BANK, "account_number": number})
    own.control("time/advance", {"days": 3})
    assert status(own, refund) == "requires_action"
    assert "お振り込みできませんでした" in get(own, page)[2]
    submit(own, page, **GOOD)
    own.control("time/advance", {"days": 3})
    assert status(own, refund) == "succeeded"


def test_a_refused_account_fails_and_a_strange_one_stays_pending(own: Stripe) -> None:
    refused, strange, elsewhere = (refund_in_cash(own) for _ in range(3))
    submit(own, f"/refund/{refused.id}", **{**TEST_BANK, "account_number": "3333335"})
    submit(own, f"/refund/{strange.id}", **{**TEST_BANK, "account_number": "4444440"})
    submit(own, f"/refund/{elsewhere.id}", **{**GOOD, "account_number": "3333335"})  # no number of the test bank
    own.control("time/advance", {"days": 3})
    assert [status(own, one) for one in (refused, strange, elsewhere)] == ["failed", "pending", "succeeded"]
    assert "返金できませんでした" in get(own, f"/refund/{refused.id}")[2]
    # Details were given: the 45 days of waiting for them do not count any more.
    own.control("time/advance", {"days": 45})
    assert status(own, strange) == "pending"
    own.control(f"refunds/{strange.id}/outcome", {"status": "succeeded"})


def test_no_account_within_45_days_fails_the_refund(own: Stripe) -> None:
    never, returned = refund_in_cash(own), refund_in_cash(own)
    submit(own, f"/refund/{returned.id}", **{**TEST_BANK, "account_number": "1111116"})
    own.control("time/advance", {"days": 44})
    assert [status(own, one) for one in (never, returned)] == ["requires_action"] * 2
    own.control("time/advance", {"days": 1})
    assert [status(own, one) for one in (never, returned)] == ["failed"] * 2
    own.receiver.wait(never.id, "refund.failed")


def test_a_person_hurries_the_bank_and_the_old_answer_is_forgotten(own: Stripe) -> None:
    refund = refund_in_cash(own)
    submit(own, f"/refund/{refund.id}", **{**TEST_BANK, "account_number": "3333335"})
    own.control(f"refunds/{refund.id}/outcome", {"status": "requires_action"})
    own.control("time/advance", {"days": 1})
    submit(own, f"/refund/{refund.id}", **GOOD)
    own.control("time/advance", {"days": 2})
    assert status(own, refund) == "pending"
    own.control("time/advance", {"days": 1})
    assert status(own, refund) == "succeeded"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("bank_code", "11"),
        ("branch_code", "12a"),
        ("account_number", "123456"),
        ("account_holder", ""),
        ("account_holder", "山田太郎"),
        ("account_holder", "ア" * 49),
    ],
)
def test_what_is_not_filled_in_rightly_comes_back(api: Stripe, field: str, value: str) -> None:
    refund = refund_in_cash(api)
    code, _, page = submit(api, f"/refund/{refund.id}", **{**GOOD, field: value})
    assert code == 422
    assert f'id="{field}-error"' in page
    assert status(api, refund) == "requires_action"


def test_only_konbini_refunds_have_the_page(api: Stripe) -> None:
    paid: Any = api.paid_by_card()
    by_card = api.client.v1.refunds.create({"payment_intent": paid.payment_intent.id})
    for refund_id in (by_card.id, "re_none"):
        assert get(api, f"/refund/{refund_id}")[0] == 404
        assert submit(api, f"/refund/{refund_id}", **GOOD)[0] == 404
