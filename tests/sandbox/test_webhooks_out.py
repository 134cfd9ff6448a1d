"""Deliveries: signed, retried with a new signature, paused, planned to go wrong, sent by hand; a waiting payer."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import free_port, wait_for
from tests.sandbox.conftest import Stripe, receiving, stripe_running

EXPIRED = "checkout.session.expired"
COMPLETED = "checkout.session.completed"


@pytest.fixture(autouse=True)
def nothing_planned(api: Stripe) -> Iterator[None]:
    """Leave neither a plan nor a delivery that waits to the next test."""
    yield
    api.receiver.answers.clear()
    api.control("deliveries/plan/clear")
    api.control("settings", {"webhooks_paused": True, "webhook_backoff_seconds": [0.1, 0.1]})
    api.control("deliveries/release")
    api.control("settings", {"webhooks_paused": False})


def _plan(api: Stripe, do: str, types: str = EXPIRED, **more: Any) -> dict[str, Any]:
    planned: dict[str, Any] = api.control("deliveries/plan", {"do": do, "types": types, **more})
    return planned


def _expire(api: Stripe) -> str:
    session = api.create()
    api.sessions.expire(session.id)
    return session.id


def _delivered(api: Stripe, event_id: str, state: str = "delivered") -> dict[str, Any]:
    """Wait until the only delivery of an event came to a state, and give it."""
    (found,) = wait_for(lambda: [one for one in api.deliveries(event_id) if one["state"] == state])
    return found


def test_a_failed_delivery_is_tried_again_and_signed_anew(api: Stripe) -> None:
    session = api.create()
    api.receiver.answers[:] = [500, 302]
    first = len(api.receiver.signatures)
    api.sessions.expire(session.id)
    event = api.receiver.wait(session.id, EXPIRED, times=3)
    times = [int(header.partition(",")[0].removeprefix("t=")) for header in api.receiver.signatures[first:]]
    assert times == sorted(times)
    delivery = _delivered(api, event.id)
    assert (delivery["attempts"], delivery["answer"]) == (3, "HTTP 200")
    assert len({event.id for event in api.receiver.events if event.data.object.id == session.id}) == 1


def test_a_delivery_is_given_up_after_the_last_try(api: Stripe) -> None:
    session = api.create()
    api.receiver.answers[:] = [500, 500, 500]
    api.sessions.expire(session.id)
    event = api.receiver.wait(session.id, EXPIRED, times=3)
    _delivered(api, event.id, "failed")
    lost = api.client.v1.events.list({"delivery_success": False, "limit": 100})
    assert event.id in [one.id for one in lost]
    assert api.client.v1.events.retrieve(event.id).pending_webhooks == 1
    api.control(f"events/{event.id}/redeliver")
    api.receiver.wait(session.id, EXPIRED, times=4)
    wait_for(lambda: not api.client.v1.events.retrieve(event.id).pending_webhooks)
    api.control("events/evt_none/redeliver", status=404)


def test_a_shop_that_is_not_there_is_a_failed_try(api: Stripe) -> None:
    made = api.control("endpoints", {"url": f"http://127.0.0.1:{free_port()}/hook", "secret": "whsec_x"})
    event = api.newest(EXPIRED, _expire(api))
    wait_for(lambda: [one for one in api.deliveries(event.id) if one["state"] == "failed" and one["attempts"] == 3])
    api.control(f"endpoints/{made['id']}/delete")
    assert [one["endpoint"] for one in api.deliveries(event.id)].count(made["id"]) == 0


def test_pausing_holds_deliveries_back(api: Stripe) -> None:
    api.control("settings", {"webhooks_paused": True})
    started = time.monotonic()
    session = api.paid_by_card()
    # The payer does not wait for a shop that is not asked.
    assert time.monotonic() - started < 5
    event = api.newest(COMPLETED, session.id)
    assert event.pending_webhooks == 1
    assert api.receiver.of(session.id) == []
    api.control("settings", {"webhooks_paused": False})
    api.receiver.wait(session.id, COMPLETED)
    api.control("settings", {"webhooks_paused": "yes"}, status=400)
    api.control("settings", {"weather": "fine"}, status=400)


def test_a_card_payer_waits_for_the_shops_answer(api: Stripe) -> None:
    session = api.create()
    done = threading.Event()

    def pay() -> None:
        api.control(f"sessions/{session.id}/pay_card")
        done.set()

    api.receiver.hold.clear()
    payer = threading.Thread(target=pay)
    payer.start()
    api.receiver.wait(session.id, COMPLETED)
    assert not done.is_set()
    assert api.sessions.retrieve(session.id).payment_status == "paid"
    api.receiver.hold.set()
    payer.join(20)
    assert done.is_set()


def test_a_card_payer_waits_for_one_answer_and_ten_seconds_at_most(api: Stripe) -> None:
    # A refusal is an answer, although it will be tried again.
    api.control("settings", {"webhook_backoff_seconds": [3600]})
    api.receiver.answers[:] = [500] * 10
    refused = api.paid_by_card()
    assert api.newest(COMPLETED, refused.id).pending_webhooks == 1
    api.receiver.answers.clear()
    # What is lost or comes an hour later holds nobody (the client of this test would give up after 20 s).
    for do in ("drop", "delay"):
        _plan(api, do, COMPLETED, seconds=3600)
        session = api.paid_by_card()
        assert api.newest(COMPLETED, session.id).pending_webhooks == 1
        assert COMPLETED not in api.receiver.of(session.id)


def test_a_shop_that_never_answers_holds_the_payer_for_ten_real_seconds(api: Stripe) -> None:
    session = api.create()
    api.receiver.hold.clear()
    api.control(f"sessions/{session.id}/pay_card")
    # The shop still has not answered, yet the payer is free.
    (delivery,) = api.deliveries(api.newest(COMPLETED, session.id).id)
    assert (delivery["state"], delivery["attempts"]) == ("sending", 0)
    assert api.receiver.wait(session.id, COMPLETED)
    api.receiver.hold.set()
    wait_for(lambda: not api.newest(COMPLETED, session.id).pending_webhooks)


def test_a_dropped_delivery_is_a_failed_try_and_comes_again(api: Stripe) -> None:
    _plan(api, "drop", times=2)
    event = api.receiver.wait(_expire(api), EXPIRED)
    assert _delivered(api, event.id)["attempts"] == 3
    assert api.control("deliveries/plan", method="GET") == []


def test_a_delivery_dropped_for_good_is_found_by_delivery_success(api: Stripe) -> None:
    _plan(api, "drop", for_good=True)
    session_id = _expire(api)
    event = api.newest(EXPIRED, session_id)
    delivery = _delivered(api, event.id, "failed")
    assert (delivery["attempts"], delivery["answer"]) == (1, "lost on the way, as planned")
    assert api.receiver.of(session_id) == []
    lost = api.client.v1.events.list({"delivery_success": False, "type": EXPIRED, "limit": 100})
    assert event.id in [one.id for one in lost]


def test_a_delayed_delivery_comes_when_its_time_has_come(own: Stripe) -> None:
    _plan(own, "delay", seconds=7200)
    session_id = _expire(own)
    own.control("time/advance", {"hours": 1})
    assert own.receiver.of(session_id) == []
    own.control("time/advance", {"hours": 2})
    event = own.receiver.wait(session_id, EXPIRED)
    signed = int(own.receiver.signatures[-1].partition(",")[0].removeprefix("t="))
    assert 7199 <= signed - event.created <= 7260


def test_a_duplicate_is_one_event_twice(api: Stripe) -> None:
    _plan(api, "duplicate")
    session_id = _expire(api)
    api.receiver.wait(session_id, EXPIRED, times=2)
    assert len({event.id for event in api.receiver.events if event.data.object.id == session_id}) == 1


def test_a_twin_is_a_second_event_for_one_fact(api: Stripe) -> None:
    _plan(api, "twin")
    session_id = _expire(api)
    api.receiver.wait(session_id, EXPIRED, times=2)
    one, other = (event for event in api.receiver.events if event.data.object.id == session_id)
    assert one.id != other.id
    assert one.data.object.to_dict() == other.data.object.to_dict()
    assert {api.client.v1.events.retrieve(event.id).type for event in (one, other)} == {EXPIRED}


def test_a_delivery_with_a_wrong_secret_is_refused_and_comes_again(api: Stripe) -> None:
    refused = len(api.receiver.refused)
    _plan(api, "wrong_secret")
    event = api.receiver.wait(_expire(api), EXPIRED)
    assert len(api.receiver.refused) == refused + 1
    assert _delivered(api, event.id)["attempts"] == 2


def test_an_event_comes_in_an_old_shape_whatever_the_endpoint_wants(api: Stripe) -> None:
    _plan(api, "old_version", COMPLETED)
    session = api.paid_by_card()
    event = api.receiver.wait(session.id, COMPLETED)
    assert (event.api_version, event.data.object.ui_mode) == ("2022-08-01", "hosted")
    _plan(api, "old_version", COMPLETED, api_version="2025-03-31.basil")
    event = api.receiver.wait(api.paid_by_card().id, COMPLETED)
    assert event.api_version == "2025-03-31.basil"


def test_an_ungenerated_event_is_nowhere(api: Stripe) -> None:
    _plan(api, "ungenerated", COMPLETED)
    session = api.paid_by_card()
    assert session.payment_status == "paid"
    intent: Any = session.payment_intent
    api.receiver.wait(intent.id, "payment_intent.succeeded")
    found = api.client.v1.events.list({"type": COMPLETED, "limit": 100})
    assert session.id not in [event.data.object.id for event in found]
    api.receiver.wait(_expire(api), EXPIRED)
    assert api.receiver.of(session.id) == []


def test_a_plan_touches_only_its_types_and_only_so_often(api: Stripe) -> None:
    planned = _plan(api, "duplicate", "charge.*, checkout.session.completed", times=2)
    assert planned["types"] == ["charge.*", COMPLETED]
    untouched = _expire(api)
    first, second = api.paid_by_card(), api.paid_by_card()
    for session, times in ((first, 2), (second, 1)):
        event = api.receiver.wait(session.id, COMPLETED, times=times)
        assert len(api.deliveries(event.id)) == times
    api.receiver.wait(untouched, EXPIRED)
    assert api.receiver.of(untouched) == [EXPIRED]


@pytest.mark.parametrize(
    "wrong",
    [{"do": "explode"}, {}, {"do": "drop", "times": 0}, {"do": "drop", "times": "x"}, {"do": "delay", "seconds": -1}]
    + [{"do": "old_version", "api_version": version} for version in ("2020-08-27", "soon")],
)
def test_a_wrong_plan_is_refused(api: Stripe, wrong: dict[str, Any]) -> None:
    api.control("deliveries/plan", wrong, status=400)
    assert api.control("deliveries/plan", method="GET") == []


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_events_are_sent_in_any_order(api: Stripe, order: tuple[int, ...]) -> None:
    api.control("settings", {"webhooks_paused": True})
    sessions = [_expire(api) for _ in range(3)]
    events = [api.newest(EXPIRED, session_id).id for session_id in sessions]
    first = len(api.receiver.events)
    answers = api.control("deliveries/send", {"events": [events[n] for n in order]})
    assert [one["event"] for one in answers] == [events[n] for n in order]
    assert {one["answer"] for one in answers} == {"HTTP 200"}
    assert [event.id for event in api.receiver.events[first:]] == [events[n] for n in order]
    # What was sent waits no more; sending it again is a redelivery.
    assert api.control("deliveries/release") == []
    again = api.control("deliveries/send", {"events": events[0]})
    assert [one["event"] for one in again] == events[:1]


def test_sending_tells_what_the_shop_answered_and_knows_its_events(api: Stripe) -> None:
    api.control("settings", {"webhooks_paused": True})
    event = api.newest(EXPIRED, _expire(api)).id
    api.receiver.answers[:] = [500]
    (answer,) = api.control("deliveries/send", {"events": [event]})
    assert answer["answer"] == "HTTP 500"
    (delivery,) = api.deliveries(event)
    assert (delivery["state"], delivery["attempts"]) == ("pending", 1)
    sent = len(api.receiver.events)
    api.control("deliveries/send", {"events": [event, "evt_none"]}, status=404)
    assert len(api.receiver.events) == sent


@pytest.mark.parametrize(("order", "step"), [("created", 1), ("reverse", -1)])
def test_what_was_held_back_is_released_in_an_order(api: Stripe, order: str, step: int) -> None:
    api.control("settings", {"webhooks_paused": True})
    events = [api.newest(EXPIRED, _expire(api)).id for _ in range(4)]
    first = len(api.receiver.events)
    api.control("deliveries/release", {"order": "random"}, status=400)
    answers = api.control("deliveries/release", {"order": order})
    assert [one["event"] for one in answers] == events[::step]
    assert [event.id for event in api.receiver.events[first:]] == events[::step]
    api.control("settings", {"webhooks_paused": False})
    api.control("deliveries/release", {"order": order}, status=400)


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    port = free_port()
    with receiving() as receiver:
        with stripe_running(tmp_path, receiver, port) as before:
            before.control("settings", {"webhooks_paused": True})
            _plan(before, "twin", "checkout.session.async_payment_succeeded")
            session = before.with_voucher()
        with stripe_running(tmp_path, receiver, port) as after:
            assert after.full(session.id).payment_intent.id == session.payment_intent.id  # type: ignore[union-attr]
            assert receiver.events == []
            after.control("settings", {"webhooks_paused": False})
            receiver.wait(session.id, COMPLETED)
            after.control(f"sessions/{session.id}/pay_at_till")
            receiver.wait(session.id, "checkout.session.async_payment_succeeded", times=2)
