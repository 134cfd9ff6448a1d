"""Konbini: vouchers, their deadlines, the late-payment buffer, test outcomes and what is not known (switches).

Rules: https://docs.stripe.com/payments/konbini/accept-a-payment
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from tests.sandbox.conftest import Stripe
from tests.sandbox.pages import get, submit

JST = timezone(timedelta(hours=9))
CHAINS = ["familymart", "lawson", "ministop", "seicomart"]
PAID, FAILED = "checkout.session.async_payment_succeeded", "checkout.session.async_payment_failed"


@contextmanager
def switched(api: Stripe, **values: Any) -> Iterator[None]:
    """Play a switch the other way for a while."""
    before = api.control("settings")
    api.control("settings", values)
    try:
        yield
    finally:
        api.control("settings", {name: before[name] for name in values})


def by_konbini(api: Stripe, session: Any, **fields: str) -> tuple[int, str, str]:
    filled = {"email": "taro@example.com", "method": "konbini", "konbini_name": "見本 太郎", **fields}
    return submit(api, f"/c/pay/{session.id}", **filled)


def issue(api: Stripe, **payer: str) -> Any:
    session = api.create()
    api.control(f"sessions/{session.id}/issue_voucher", payer)
    return api.full(session.id)


def deadline(session: Any) -> int:
    return int(session.payment_intent.next_action.konbini_display_details.expires_at)


def advance(api: Stripe, **how: float) -> None:
    api.control("time/advance", how)


def test_a_voucher_is_complete_but_unpaid(api: Stripe) -> None:
    session: Any = api.with_voucher(payment_method_options={"konbini": {"expires_after_days": 7}})
    assert (session.status, session.payment_status) == ("complete", "unpaid")
    intent = session.payment_intent
    assert (intent.status, intent.latest_charge) == ("requires_action", None)
    details = intent.next_action.konbini_display_details
    assert details.hosted_voucher_url == f"{api.base}/voucher/{intent.id}"
    ends = datetime.fromtimestamp(details.expires_at, UTC).astimezone(JST)
    assert (ends.hour, ends.minute, ends.second) == (23, 59, 59)
    assert (ends.date() - datetime.fromtimestamp(intent.created, JST).date()).days in (6, 7)
    stores = details.stores.to_dict()
    assert list(stores) == CHAINS
    assert all(codes["payment_code"] and codes["confirmation_number"] for codes in stores.values())
    api.receiver.wait(intent.id, "payment_intent.requires_action")
    event: Any = api.receiver.wait(session.id, "checkout.session.completed")
    assert event.data.object.payment_status == "unpaid"


def test_the_payer_never_comes_to_success_url(api: Stripe) -> None:
    session = api.create()
    status, path, page = by_konbini(api, session)
    intent = api.sessions.retrieve(session.id).payment_intent
    assert (status, path) == (200, f"/voucher/{intent}")
    assert "shop.test/return" not in page
    api.control(f"sessions/{session.id}/pay_at_till")
    # The form is closed, whatever is sent to it.
    assert "お支払いは完了しています" in submit(api, f"/c/pay/{session.id}")[2]


def test_the_voucher_is_paid_at_the_till(api: Stripe) -> None:
    session: Any = api.with_voucher()
    api.control(f"sessions/{session.id}/pay_at_till", {"chain": "seicomart"})
    paid: Any = api.full(session.id)
    assert (paid.status, paid.payment_status) == ("complete", "paid")
    assert (paid.payment_intent.status, paid.payment_intent.next_action) == ("succeeded", None)
    assert paid.payment_intent.latest_charge.payment_method_details.konbini.store.chain == "seicomart"
    api.receiver.wait(paid.payment_intent.id, "payment_intent.succeeded")
    api.receiver.wait(session.id, PAID)
    # Cash is taken once, and only by a store that knows the voucher.
    api.control(f"sessions/{session.id}/pay_at_till", status=400)
    api.control(f"sessions/{session.id}/expire_voucher", status=400)
    other = api.with_voucher()
    api.control(f"sessions/{other.id}/pay_at_till", {"chain": "seven"}, status=400)


def test_the_voucher_runs_out(api: Stripe) -> None:
    session: Any = api.with_voucher()
    api.control(f"sessions/{session.id}/expire_voucher")
    over: Any = api.full(session.id)
    assert (over.status, over.payment_status) == ("complete", "unpaid")
    assert (over.payment_intent.status, over.payment_intent.next_action) == ("requires_payment_method", None)
    api.receiver.wait(over.payment_intent.id, "payment_intent.payment_failed")
    api.receiver.wait(session.id, FAILED)
    api.control(f"sessions/{session.id}/pay_at_till", status=400)


@pytest.mark.parametrize(
    ("payer", "event", "minutes"),
    [
        ({"email": "a.succeed_immediately@example.com"}, PAID, 0),
        ({"email": "a.expire_immediately@example.com"}, FAILED, 0),
        ({"email": "a.expire_with_delay@example.com"}, FAILED, 3),
        ({"phone": "11111111110"}, PAID, 3),
        ({"phone": "22222222220"}, PAID, 0),
        ({"phone": "33333333330"}, FAILED, 0),
        ({"phone": "44444444440"}, FAILED, 3),
        # The number wins over the address.
        ({"email": "expire_immediately@example.com", "phone": "222-2222-2220"}, PAID, 0),
        ({"email": "succeed_immediately@example.com", "phone": "33333333330"}, FAILED, 0),
    ],
)
def test_test_addresses_and_numbers_decide(own: Stripe, payer: dict[str, str], event: str, minutes: int) -> None:
    session = issue(own, **payer)
    if minutes:
        advance(own, seconds=minutes * 60 - 5)
        assert own.sessions.retrieve(session.id).payment_status == "unpaid"
        assert FAILED not in own.receiver.of(session.id)
        advance(own, seconds=5)
    own.receiver.wait(session.id, event)


@pytest.mark.parametrize("payer", [{"email": "fill_never@example.com"}, {"phone": "55555555550"}])
def test_what_is_never_paid_runs_out_after_the_deadline_and_its_buffer(own: Stripe, payer: dict[str, str]) -> None:
    with switched(own, ordinary_voucher="pays_after_3_minutes"):
        session = issue(own, **payer)
    advance(own, to=deadline(session) + 3590)
    assert FAILED not in own.receiver.of(session.id)
    advance(own, seconds=10)
    own.receiver.wait(session.id, FAILED)


def test_an_ordinary_voucher_waits_or_pays_after_three_minutes(own: Stripe) -> None:
    waits = issue(own)
    with switched(own, ordinary_voucher="pays_after_3_minutes"):
        pays = issue(own)
    advance(own, seconds=180)
    own.receiver.wait(pays.id, PAID)
    assert own.sessions.retrieve(waits.id).payment_status == "unpaid"


def test_a_slip_printed_in_time_is_paid_late_until_the_buffer_ends(own: Stripe) -> None:
    with switched(own, late_payment_seconds=7200):
        late, later = issue(own), issue(own)
    voucher = f"/voucher/{late.payment_intent.id}"
    assert "まだお支払いは終わっていません" in get(own, voucher)[2]
    advance(own, to=deadline(late) + 60)
    page = get(own, voucher)[2]
    assert "お支払い期限を過ぎました" in page
    assert "印刷済みの申込券" in page
    advance(own, to=deadline(late) + 7190)
    own.control(f"sessions/{late.id}/pay_at_till")
    assert own.sessions.retrieve(late.id).payment_status == "paid"
    advance(own, to=deadline(later) + 7200)
    own.control(f"sessions/{later.id}/pay_at_till", status=400)
    own.receiver.wait(later.id, FAILED)
    assert "使えません" in get(own, f"/voucher/{later.payment_intent.id}")[2]


def test_the_phone_is_the_confirmation_number(api: Stripe) -> None:
    full = issue(api, phone="090-1234-5678", email="other@example.com")
    stores = full.payment_intent.next_action.konbini_display_details.stores
    assert stores.lawson.confirmation_number == "09012345678"
    assert full.customer_details.email == "other@example.com"
    assert full.customer_email == "Taro@example.com"
    without: Any = api.with_voucher()
    stores = without.payment_intent.next_action.konbini_display_details.stores
    assert stores.lawson.confirmation_number.isdigit()


@pytest.mark.parametrize("phone", ["01234567890", "00000000000", "0000000000", "123", "090-1234-567a"])
def test_numbers_that_are_refused(api: Stripe, phone: str) -> None:
    session = api.create()
    status, _, page = by_konbini(api, session, phone=phone)
    assert status == 422
    assert "この番号は使えません" in page
    api.control(f"sessions/{session.id}/issue_voucher", {"phone": phone}, status=400)
    assert api.sessions.retrieve(session.id).status == "open"


def test_a_name_is_required_or_not(api: Stripe) -> None:
    session = api.create()
    assert by_konbini(api, session, konbini_name="")[0] == 422
    with switched(api, konbini_name_required=False):
        assert by_konbini(api, session, konbini_name="")[0] == 200


@pytest.mark.parametrize("editable", [True, False])
def test_the_address_of_the_session_can_be_changed_or_not(api: Stripe, *, editable: bool) -> None:
    session = api.create()
    with switched(api, customer_email_editable=editable):
        assert ("readonly" in get(api, f"/c/pay/{session.id}")[2]) is not editable
        by_konbini(api, session, email="typed@example.com")
        other = issue(api, email="typed@example.com")
    expected = "typed@example.com" if editable else "Taro@example.com"
    found: list[Any] = [api.full(session.id), other]
    for one in found:
        assert one.customer_details.email == expected


def test_the_session_of_a_voucher_may_stay_open(own: Stripe) -> None:
    with switched(own, voucher_session_status="open"):
        paid, over = issue(own), issue(own)
    assert (paid.status, paid.payment_status, bool(paid.url)) == ("open", "unpaid", True)
    own.receiver.wait(paid.id, "checkout.session.completed")
    # Its form is sent all the same: nobody pays twice, nobody expires it, and it outlives the form's own clock.
    assert by_konbini(own, paid)[1] == f"/c/pay/{paid.id}"
    own.control(f"sessions/{paid.id}/pay_card", status=400)
    assert own.refusal(lambda: own.sessions.expire(paid.id)).http_status == 400
    advance(own, hours=25)
    assert own.sessions.retrieve(paid.id).status == "open"
    own.control(f"sessions/{paid.id}/pay_at_till")
    own.control(f"sessions/{over.id}/expire_voucher")
    assert [(one.status, one.payment_status, one.url) for one in map(own.full, (paid.id, over.id))] == [
        ("complete", "paid", None),
        ("complete", "unpaid", None),
    ]


def test_a_voucher_survives_the_end_of_the_forms_own_time(own: Stripe) -> None:
    session = issue(own)
    advance(own, hours=25)
    assert own.sessions.retrieve(session.id).status == "complete"
    own.control(f"sessions/{session.id}/pay_at_till")
    assert own.sessions.retrieve(session.id).payment_status == "paid"


def test_only_known_vouchers_have_a_page(api: Stripe) -> None:
    paid: Any = api.paid_by_card()
    for path in ("/voucher/pi_none", f"/voucher/{paid.payment_intent.id}"):
        assert get(api, path)[0] == 404
