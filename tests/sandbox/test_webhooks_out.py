"""Deliveries: signed, retried with a new signature, paused, redelivered; endpoints; a waiting payer."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
import stripe

from tests.helpers import free_port, wait_for
from tests.sandbox.conftest import Stripe, receiving, stripe_running


def _deliveries(api: Stripe, event_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = next(
        event["deliveries"] for event in api.control("events", method="GET") if event["id"] == event_id
    )
    return found


def test_a_failed_delivery_is_tried_again_and_signed_anew(api: Stripe) -> None:
    session = api.create()
    api.receiver.answers[:] = [500, 302]
    first = len(api.receiver.signatures)
    api.sessions.expire(session.id)
    event = api.receiver.wait(session.id, "checkout.session.expired", times=3)
    times = [int(header.partition(",")[0].removeprefix("t=")) for header in api.receiver.signatures[first:]]
    assert times == sorted(times)
    (delivery,) = wait_for(lambda: [one for one in _deliveries(api, event.id) if one["state"] == "delivered"])
    assert (delivery["attempts"], delivery["answer"]) == (3, "HTTP 200")
    assert len({event.id for event in api.receiver.events if event.data.object.id == session.id}) == 1


def test_a_delivery_is_given_up_after_the_last_try(api: Stripe) -> None:
    session = api.create()
    api.receiver.answers[:] = [500, 500, 500]
    api.sessions.expire(session.id)
    event = api.receiver.wait(session.id, "checkout.session.expired", times=3)
    wait_for(lambda: [one for one in _deliveries(api, event.id) if one["state"] == "failed"])
    lost = api.client.v1.events.list({"delivery_success": False, "limit": 100})
    assert event.id in [one.id for one in lost]
    assert api.client.v1.events.retrieve(event.id).pending_webhooks == 1
    api.control(f"events/{event.id}/redeliver")
    api.receiver.wait(session.id, "checkout.session.expired", times=4)
    wait_for(lambda: api.client.v1.events.retrieve(event.id).pending_webhooks == 1)
    api.control("events/evt_none/redeliver", status=404)


def test_pausing_holds_deliveries_back(api: Stripe) -> None:
    api.control("settings", {"webhooks_paused": True})
    started = time.monotonic()
    session = api.paid_by_card()
    # The payer does not wait for a shop that is not asked.
    assert time.monotonic() - started < 5
    event = api.client.v1.events.list({"type": "checkout.session.completed", "limit": 1}).data[0]
    assert (event.data.object["id"], event.pending_webhooks) == (session.id, 1)
    assert api.receiver.of(session.id) == []
    api.control("settings", {"webhooks_paused": False})
    api.receiver.wait(session.id, "checkout.session.completed")
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
    api.receiver.wait(session.id, "checkout.session.completed")
    assert not done.is_set()
    assert api.sessions.retrieve(session.id).payment_status == "paid"
    api.receiver.hold.set()
    payer.join(20)
    assert done.is_set()


def test_events_are_listed_by_type_and_time(api: Stripe) -> None:
    session = api.create()
    api.sessions.expire(session.id)
    events = api.client.v1.events
    kinds: Any = {"types": ["checkout.session.expired", "charge.refunded"], "limit": 100}
    found = events.list(kinds).data
    assert {event.type for event in found} <= {"checkout.session.expired", "charge.refunded"}
    assert found[0].data.object["id"] == session.id
    assert found[0].api_version == stripe.api_version
    assert events.list({"type": "checkout.session.expired"}).data[0].id == found[0].id
    assert events.list({"created": {"gt": found[0].created + 100}}).data == []
    older = events.list(kinds | {"starting_after": found[0].id})
    assert found[0].id not in [event.id for event in older]
    api.receiver.wait(session.id, "checkout.session.expired")
    wait_for(lambda: found[0].id in [one.id for one in events.list({"delivery_success": True}).data])


def test_an_endpoint_made_by_api_hears_only_what_it_asked_for(api: Stripe) -> None:
    endpoints = api.client.v1.webhook_endpoints
    with receiving() as other:
        made: Any = endpoints.create({"url": other.url, "enabled_events": ["checkout.session.expired"]})
        other.secret = made.secret
        session = api.create()
        api.sessions.expire(session.id)
        other.wait(session.id, "checkout.session.expired")
        paid = api.paid_by_card()
        assert other.of(paid.id) == []
        assert "secret" not in endpoints.retrieve(made.id)
        assert made.id in [one.id for one in endpoints.list()]
        assert endpoints.update(made.id, {"disabled": True}).status == "disabled"
        assert endpoints.delete(made.id).deleted
    assert api.refusal(lambda: endpoints.retrieve(made.id)).http_status == 404


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "ftp://x"},
        {"enabled_events": ["checkout.party"]},
        {"api_version": "2020-08-27"},
        {"url": None},
    ],
)
def test_a_wrong_endpoint_is_refused(api: Stripe, changes: dict[str, Any]) -> None:
    params: Any = {"url": "http://shop.test/hook", "enabled_events": ["*"], **changes}
    params = {name: value for name, value in params.items() if value is not None}
    assert api.refusal(lambda: api.client.v1.webhook_endpoints.create(params)).http_status == 400


def test_tests_bring_their_own_secret(api: Stripe) -> None:
    with receiving() as other:
        other.secret = "whsec_other_0000000000000000"
        made = api.control("endpoints", {"url": other.url, "secret": other.secret})
        session = api.create()
        api.sessions.expire(session.id)
        other.wait(session.id, "checkout.session.expired")
        api.control(f"endpoints/{made['id']}/delete")


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    port = free_port()
    with receiving() as receiver:
        with stripe_running(tmp_path, receiver, port) as before:
            before.control("settings", {"webhooks_paused": True})
            session = before.with_voucher()
        with stripe_running(tmp_path, receiver, port) as after:
            assert after.full(session.id).payment_intent.id == session.payment_intent.id  # type: ignore[union-attr]
            assert receiver.events == []
            after.control("settings", {"webhooks_paused": False})
            receiver.wait(session.id, "checkout.session.completed")
            after.control(f"sessions/{session.id}/pay_at_till")
            receiver.wait(session.id, "checkout.session.async_payment_succeeded")
