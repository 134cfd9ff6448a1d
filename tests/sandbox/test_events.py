"""Events: listed for 30 days, filtered, paged both ways, with the request that caused them."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.helpers import wait_for
from tests.sandbox.conftest import Stripe, receiving

DAY = 24 * 3600


def _expired(api: Stripe) -> stripe.Event:
    """Make a session expire and give its event, delivered."""
    session = api.create()
    api.sessions.expire(session.id)
    event = api.receiver.wait(session.id, "checkout.session.expired")
    wait_for(lambda: not api.client.v1.events.retrieve(event.id).pending_webhooks)
    return event


def _ids(api: Stripe, **params: Any) -> list[str]:
    wanted: Any = {"limit": 100, **params}
    return [event.id for event in api.client.v1.events.list(wanted)]


def test_events_are_newest_first_in_the_version_of_the_sdk(api: Stripe) -> None:
    _, older, newer = _expired(api), _expired(api), _expired(api)
    found = api.client.v1.events.list({"limit": 2, "type": "checkout.session.expired"})
    assert [event.id for event in found] == [newer.id, older.id]
    assert {event.api_version for event in found} == {stripe.api_version}
    assert found.has_more
    assert api.client.v1.events.retrieve(older.id).data.object["id"] == older.data.object["id"]
    assert api.refusal(lambda: api.client.v1.events.retrieve("evt_none")).http_status == 404


def test_filters_by_type(api: Stripe) -> None:
    expired = _expired(api).id
    session = api.paid_by_card()
    paid = api.newest("checkout.session.completed", session.id).id
    assert {paid, expired} <= set(_ids(api, type="checkout.session.*"))
    assert {paid, expired} <= set(_ids(api, type="*"))
    assert {paid, expired} <= set(_ids(api, types=["checkout.session.expired", "checkout.session.completed"]))
    only = _ids(api, type="checkout.session.expired")
    assert expired in only
    assert paid not in only
    assert _ids(api, type="checkout.session.?xpired") == []
    assert _ids(api, type="checkout.session.[e]xpired") == []
    assert _ids(api, types=["checkout.session.*"]) == []


def test_wrong_filters_are_refused(api: Stripe) -> None:
    both: Any = {"type": "charge.refunded", "types": ["charge.refunded"]}
    assert "not both" in str(api.refusal(lambda: api.client.v1.events.list(both)))
    many: Any = {"types": [f"charge.{number}" for number in range(21)]}
    assert api.refusal(lambda: api.client.v1.events.list(many)).param == "types"
    twenty: Any = {"types": many["types"][:20]}
    assert api.client.v1.events.list(twenty).data == []
    wrong: Any = {"delivery_success": "perhaps"}
    assert api.refusal(lambda: api.client.v1.events.list(wrong)).param == "delivery_success"


def test_cursors_go_both_ways(api: Stripe) -> None:
    first, second, third = (_expired(api).id for _ in range(3))
    kind: Any = {"type": "checkout.session.expired"}
    assert _ids(api, **kind, starting_after=third)[:2] == [second, first]
    assert _ids(api, **kind, ending_before=first) == [third, second]
    # ending_before gives the page right after the cursor, not the newest one.
    assert _ids(api, **kind, ending_before=first, limit=1) == [second]
    pages = api.client.v1.events.list(kind | {"limit": 1}).auto_paging_iter()
    assert [event.id for event, _ in zip(pages, range(3), strict=False)] == [third, second, first]
    assert api.refusal(lambda: _ids(api, starting_after="evt_none")).http_status == 404
    assert api.refusal(lambda: _ids(api, starting_after=first, ending_before=third)).http_status == 400


def test_created_bounds_the_list(api: Stripe) -> None:
    event = _expired(api)
    assert event.id in _ids(api, created=event.created)
    assert event.id in _ids(api, created={"gte": event.created, "lte": event.created})
    assert event.id not in _ids(api, created={"gt": event.created})
    assert event.id not in _ids(api, created={"lt": event.created})


def test_delivery_success_tells_what_every_endpoint_took(api: Stripe) -> None:
    taken = _expired(api).id
    session = api.create()
    with receiving() as other:
        made = api.control("endpoints", {"url": other.url, "secret": other.secret})
        other.answers[:] = [500, 500, 500]
        api.sessions.expire(session.id)
        api.receiver.wait(session.id, "checkout.session.expired")
        other.wait(session.id, "checkout.session.expired", times=3)
        event = wait_for(
            lambda: next((e for e in api.control("events", method="GET") if e["pending_webhooks"] == 1), None)
        )
        wait_for(lambda: {one["state"] for one in api.deliveries(event["id"])} == {"delivered", "failed"})
        assert event["data"]["object"]["id"] == session.id
        assert event["id"] in _ids(api, delivery_success=False)
        assert event["id"] not in _ids(api, delivery_success=True)
        assert taken in _ids(api, delivery_success=True)
        assert taken not in _ids(api, delivery_success=False)
        # By hand it arrives after all, and nothing is owed any more.
        api.control(f"events/{event['id']}/redeliver")
        wait_for(lambda: event["id"] in _ids(api, delivery_success=True))
        assert api.client.v1.events.retrieve(event["id"]).pending_webhooks == 0
        api.control(f"endpoints/{made['id']}/delete")


def test_pending_webhooks_counts_endpoints_not_tries(api: Stripe) -> None:
    with receiving() as other:
        made = api.control("endpoints", {"url": other.url, "secret": other.secret})
        api.control("settings", {"webhooks_paused": True})
        session = api.create()
        api.control("deliveries/plan", {"types": "checkout.session.expired", "do": "duplicate"})
        api.sessions.expire(session.id)
        event = api.newest("checkout.session.expired", session.id)
        assert event.pending_webhooks == 2
        assert len(api.deliveries(event.id)) == 4
        api.control("settings", {"webhooks_paused": False})
        wait_for(lambda: api.client.v1.events.retrieve(event.id).pending_webhooks == 0)
        api.control(f"endpoints/{made['id']}/delete")


def test_an_event_names_the_request_that_caused_it(api: Stripe) -> None:
    session = api.create()
    answer = api.sessions.expire(session.id, options={"idempotency_key": f"expire-{session.id}"})
    request = api.newest("checkout.session.expired", session.id).request
    assert answer.last_response is not None
    assert request is not None
    assert request.id == answer.last_response.request_id
    assert request.idempotency_key == f"expire-{session.id}"


def test_what_happens_by_itself_names_no_request(own: Stripe) -> None:
    session = own.create()
    own.control("time/advance", {"days": 2})
    request = own.newest("checkout.session.expired", session.id).request
    assert request is not None
    assert (request.id, request.idempotency_key) == (None, None)


def test_events_are_there_for_30_days(own: Stripe) -> None:
    old = _expired(own)
    own.control("time/advance", {"to": old.created + 30 * DAY - 60})
    young = _expired(own)
    assert {old.id, young.id} <= set(_ids(own))
    assert own.client.v1.events.retrieve(old.id).id == old.id
    own.control("time/advance", {"to": old.created + 30 * DAY + 60})
    for found in (_ids(own), _ids(own, created={"gte": old.created}), _ids(own, created=old.created)):
        assert old.id not in found
    assert young.id in _ids(own)
    assert own.refusal(lambda: own.client.v1.events.retrieve(old.id)).http_status == 404
    assert own.refusal(lambda: _ids(own, ending_before=old.id)).http_status == 404


@pytest.mark.parametrize("limit", [0, 101])
def test_a_wrong_limit_is_refused(api: Stripe, limit: int) -> None:
    assert api.refusal(lambda: api.client.v1.events.list({"limit": limit})).param == "limit"
