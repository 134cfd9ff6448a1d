"""Time: everything due on the way happens once, in order, at its own moment; the clock survives a restart."""

from __future__ import annotations

import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sandbox.stripe.switches import SWITCHES
from tests.helpers import free_port, wait_for
from tests.sandbox.conftest import Stripe, receiving, stripe_running

HOUR = 3600
DAY = 24 * HOUR


@pytest.fixture(autouse=True)
def calm(own: Stripe) -> None:
    """No delivery under way and a willing shop at the start of every test."""
    own.receiver.answers.clear()
    own.control("time/advance", {"seconds": 0})


def _now(api: Stripe) -> int:
    now: int = api.control("time", method="GET")["now"]
    return now


def _intent(api: Stripe, session_id: str) -> Any:
    return api.full(session_id).payment_intent


def _tries(api: Stripe, first: int) -> list[int]:
    return [int(header.partition(",")[0][2:]) for header in api.receiver.signatures[first:]]


@pytest.mark.parametrize(("step", "seconds"), [("seconds", 90), ("hours", 90 * HOUR), ("days", 90 * DAY)])
def test_the_clock_goes_forward(tmp_path: Path, step: str, seconds: int) -> None:
    with receiving() as receiver, stripe_running(tmp_path, receiver) as api:
        before = api.control("time", method="GET")
        after = api.control("time/advance", {step: 90})
        assert before["ahead"] == 0
        assert seconds - 60 < after["ahead"] <= seconds + 1
        assert after["now"] >= before["now"] + seconds
        assert float((tmp_path / "clock").read_text()) == after["ahead"]


@pytest.mark.parametrize(
    "wrong",
    [{}, {"hours": 1, "days": 1}, {"hours": -1}, {"hours": "soon"}, {"to": 1_700_000_000}, {"days": 1e9}, {"weeks": 1}],
)
def test_the_clock_refuses_to_go_elsewhere(own: Stripe, wrong: dict[str, Any]) -> None:
    before = own.control("time", method="GET")["ahead"]
    assert "message" in own.control("time/advance", wrong, status=400)["error"]
    assert own.control("time", method="GET")["ahead"] == before


def test_a_session_expires_at_its_own_moment(own: Stripe) -> None:
    session = own.create()
    own.control("time/advance", {"to": session.expires_at - 60})
    assert own.full(session.id).status == "open"
    own.control("time/advance", {"days": 3})
    assert own.full(session.id).status == "expired"
    event = own.receiver.wait(session.id, "checkout.session.expired")
    assert event.created == session.expires_at
    assert event.created - 1 <= _tries(own, 0)[-1] <= event.created + 60
    assert own.receiver.of(session.id) == ["checkout.session.expired"]


def test_a_voucher_runs_out_after_its_deadline_and_buffer(own: Stripe) -> None:
    options: Any = {"konbini": {"expires_after_days": 7}}
    session: Any = own.with_voucher(payment_method_options=options)
    details = session.payment_intent.next_action.konbini_display_details
    own.control("time/advance", {"to": details.expires_at + 1})
    assert _intent(own, session.id).status == "requires_action"
    own.control("time/advance", {"days": 1})
    assert _intent(own, session.id).status == "requires_payment_method"
    failed = own.receiver.wait(session.id, "checkout.session.async_payment_failed")
    assert failed.created == details.expires_at + HOUR


def test_a_konbini_refund_without_bank_details_fails_after_45_days(own: Stripe) -> None:
    session: Any = own.with_voucher()
    own.control(f"sessions/{session.id}/pay_at_till")
    refund = own.client.v1.refunds.create({"payment_intent": session.payment_intent.id})
    own.control("time/advance", {"days": 44})
    assert own.client.v1.refunds.retrieve(refund.id).status == "requires_action"
    own.control("time/advance", {"days": 2})
    assert own.client.v1.refunds.retrieve(refund.id).status == "failed"
    assert own.receiver.wait(refund.id, "refund.failed").created == refund.created + 45 * DAY


def test_what_lies_on_the_way_happens_in_order(own: Stripe) -> None:
    first = len(own.receiver.events)
    late, early = own.with_voucher(), own.create()
    own.control("time/advance", {"days": 10})
    moments = [event.created for event in own.receiver.events[first:]]
    assert moments == sorted(moments)
    assert own.receiver.of(early.id) == ["checkout.session.expired"]
    assert own.receiver.of(late.id) == ["checkout.session.completed", "checkout.session.async_payment_failed"]


def test_retries_go_on_for_three_days_and_then_end(own: Stripe) -> None:
    backoff = SWITCHES["webhook_backoff_seconds"].default
    session = own.create()
    own.receiver.answers[:] = [500] * 100
    first = len(own.receiver.signatures)
    own.sessions.expire(session.id)
    event = own.receiver.wait(session.id, "checkout.session.expired")
    own.control("time/advance", {"days": 3})
    (delivery,) = own.deliveries(event.id)
    assert (delivery["state"], delivery["attempts"], delivery["answer"]) == ("failed", len(backoff) + 1, "HTTP 500")
    times = _tries(own, first)
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert all(wanted - 1 <= wait <= wanted + 30 for wait, wanted in zip(waits, backoff, strict=True)), waits
    assert waits == sorted(waits)
    assert 2.9 * DAY < times[-1] - times[0] <= 3 * DAY
    assert len(set(own.receiver.signatures[first:])) == len(times)
    own.control("time/advance", {"days": 5})
    assert len(own.receiver.signatures) == first + len(times)
    assert own.client.v1.events.retrieve(event.id).pending_webhooks == 1


def test_a_shop_that_recovers_gets_the_event_on_the_next_try(own: Stripe) -> None:
    session = own.create()
    own.receiver.answers[:] = [500, 500, 500, 200]
    own.sessions.expire(session.id)
    event = own.receiver.wait(session.id, "checkout.session.expired")
    own.control("time/advance", {"hours": 1})
    (delivery,) = own.deliveries(event.id)
    assert (delivery["state"], delivery["attempts"]) == ("delivered", 4)
    assert own.client.v1.events.retrieve(event.id).pending_webhooks == 0


def test_paused_deliveries_wait_however_long(own: Stripe) -> None:
    own.control("settings", {"webhooks_paused": True})
    session = own.create()
    own.sessions.expire(session.id)
    own.control("time/advance", {"days": 2})
    assert own.receiver.of(session.id) == []
    own.control("settings", {"webhooks_paused": False})
    own.receiver.wait(session.id, "checkout.session.expired")


def test_nothing_happens_twice_when_time_is_moved_from_two_sides(own: Stripe) -> None:
    sessions = [own.create() for _ in range(20)]
    movers = [threading.Thread(target=own.control, args=("time/advance", {"hours": 20})) for _ in range(3)]
    for mover in movers:
        mover.start()
    for mover in movers:
        mover.join()
    for session in sessions:
        own.receiver.wait(session.id, "checkout.session.expired")
        assert own.receiver.of(session.id) == ["checkout.session.expired"]
        assert own.newest("checkout.session.expired", session.id).created == session.expires_at


def test_a_restart_keeps_the_clock_and_what_is_due(tmp_path: Path) -> None:
    port = free_port()
    with receiving() as receiver:
        with stripe_running(tmp_path, receiver, port) as before:
            session = before.create()
            left = before.control("time/advance", {"to": session.expires_at - 600})
        with stripe_running(tmp_path, receiver, port) as after:
            assert after.control("time", method="GET")["ahead"] == left["ahead"]
            assert left["now"] <= _now(after) < session.expires_at
            after.control("time/advance", {"seconds": 600})
            assert receiver.wait(session.id, "checkout.session.expired").created == session.expires_at


def test_time_passes_by_itself_too(own: Stripe) -> None:
    session = own.create()
    own.control("time/advance", {"to": session.expires_at - 1})
    wait_for(lambda: own.full(session.id).status == "expired")
    own.receiver.wait(session.id, "checkout.session.expired")
