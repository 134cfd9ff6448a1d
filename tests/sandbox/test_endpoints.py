"""Webhook endpoints: made and changed by API, their limit, their secrets, and the version that they hear."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import stripe

from tests.helpers import free_port, wait_for
from tests.sandbox.conftest import SECRET, Receiver, Stripe, receiving, stripe_running


@contextmanager
def listening(api: Stripe, **changes: Any) -> Iterator[tuple[str, Receiver]]:
    """Give the id of an endpoint made by the control API, and who hears it."""
    with receiving() as other:
        made = api.control("endpoints", {"url": other.url, "secret": other.secret, **changes})
        yield made["id"], other
        api.control(f"endpoints/{made['id']}/delete")


def _expire(api: Stripe) -> str:
    session = api.create()
    api.sessions.expire(session.id)
    return session.id


def test_an_endpoint_made_by_api_hears_only_what_it_asked_for(api: Stripe) -> None:
    endpoints = api.client.v1.webhook_endpoints
    with receiving() as other:
        made: Any = endpoints.create(
            {"url": other.url, "enabled_events": ["checkout.session.expired"], "description": "shop"}
        )
        assert (made.status, made.api_version, made.description) == ("enabled", None, "shop")
        other.secret = made.secret
        other.wait(_expire(api), "checkout.session.expired")
        paid = api.paid_by_card()
        api.receiver.wait(paid.id, "checkout.session.completed")
        assert other.of(paid.id) == []
        assert "secret" not in endpoints.retrieve(made.id)
        assert made.id in [one.id for one in endpoints.list({"limit": 100})]
        endpoints.update(made.id, {"enabled_events": ["checkout.session.completed"], "metadata": {"a": "b"}})
        assert endpoints.retrieve(made.id).metadata["a"] == "b"
        other.wait(api.paid_by_card().id, "checkout.session.completed")
        assert endpoints.delete(made.id).deleted
    assert api.refusal(lambda: endpoints.retrieve(made.id)).http_status == 404
    assert api.refusal(lambda: endpoints.delete(made.id)).http_status == 404


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"url": "ftp://x"}, "url"),
        ({"url": "http://"}, "url"),
        ({"url": None}, "url"),
        ({"enabled_events": ["checkout.party"]}, "enabled_events[0]"),
        ({"enabled_events": None}, "enabled_events"),
        ({"api_version": "2031-01-01"}, "api_version"),
        ({"api_version": "2020-08-27"}, "api_version"),
    ],
)
def test_a_wrong_endpoint_is_refused(api: Stripe, changes: dict[str, Any], param: str) -> None:
    params: Any = {"url": "http://shop.test/hook", "enabled_events": ["*"], **changes}
    params = {name: value for name, value in params.items() if value is not None}
    refusal = api.refusal(lambda: api.client.v1.webhook_endpoints.create(params))
    assert (refusal.http_status, refusal.param) == (400, param)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/hook", "https://shop.example/hook"])
def test_https_is_not_asked_of_test_endpoints(api: Stripe, url: str) -> None:
    wanted: Any = {"url": url, "enabled_events": ["invoice.paid"]}
    made = api.client.v1.webhook_endpoints.create(wanted)
    api.client.v1.webhook_endpoints.delete(made.id)


def test_sixteen_endpoints_are_the_limit(own: Stripe) -> None:
    endpoints = own.client.v1.webhook_endpoints
    wanted: Any = {"url": "http://127.0.0.1:9/hook", "enabled_events": ["invoice.paid"]}
    made = [endpoints.create(wanted).id for _ in range(15)]
    assert len(endpoints.list({"limit": 100}).data) == 16
    assert "maximum of 16" in str(own.refusal(lambda: endpoints.create(wanted)))
    endpoints.delete(made.pop())
    made.append(endpoints.create(wanted).id)
    for one in made:
        endpoints.delete(one)


def test_tests_bring_their_own_secret_and_wishes(api: Stripe) -> None:
    secret = "whsec_other_0000000000000000"
    with listening(api, secret=secret, enabled_events=["checkout.session.expired"]) as (_, other):
        other.secret = secret
        session_id = _expire(api)
        other.wait(session_id, "checkout.session.expired")
        paid = api.paid_by_card()
        assert other.of(paid.id) == []
    api.control("endpoints", {"url": "x", "secret": secret}, status=400)
    api.control("endpoints", {"url": "http://x.test", "enabled_events": ["party"]}, status=400)
    api.control("endpoints/we_none/delete", status=404)


def test_a_disabled_endpoint_loses_what_happens_meanwhile(api: Stripe) -> None:
    with listening(api) as (endpoint, other):
        assert api.client.v1.webhook_endpoints.update(endpoint, {"disabled": True}).status == "disabled"
        lost = _expire(api)
        event = api.receiver.wait(lost, "checkout.session.expired")
        assert [one["endpoint"] for one in api.deliveries(event.id)].count(endpoint) == 0
        assert api.client.v1.webhook_endpoints.update(endpoint, {"disabled": False}).status == "enabled"
        other.wait(_expire(api), "checkout.session.expired")
        assert other.of(lost) == []


def test_a_retry_to_a_disabled_endpoint_is_the_last(own: Stripe) -> None:
    with listening(own) as (endpoint, other):
        other.answers[:] = [500]
        session_id = _expire(own)
        event = other.wait(session_id, "checkout.session.expired")
        own.client.v1.webhook_endpoints.update(endpoint, {"disabled": True})
        own.control("time/advance", {"days": 3})
        own.client.v1.webhook_endpoints.update(endpoint, {"disabled": False})
        own.control("time/advance", {"days": 3})
        (delivery,) = (one for one in own.deliveries(event.id) if one["endpoint"] == endpoint)
        assert (delivery["state"], delivery["attempts"], delivery["answer"]) == ("failed", 2, "endpoint disabled")
        assert other.of(session_id) == ["checkout.session.expired"]


def test_a_rolled_secret_signs_beside_the_new_one_until_its_time_is_over(own: Stripe) -> None:
    with listening(own) as (endpoint, other):
        old = other.secret
        new = own.control(f"endpoints/{endpoint}/roll", {"seconds": 3600})["secret"]
        assert new.startswith("whsec_")
        for secret in (old, new):
            other.secret = secret
            other.wait(_expire(own), "checkout.session.expired")
            assert other.signatures[-1].count("v1=") == 2
        own.control("time/advance", {"hours": 2})
        other.wait(_expire(own), "checkout.session.expired")
        assert other.signatures[-1].count("v1=") == 1
        other.secret = old
        _expire(own)
        wait_for(lambda: other.refused)


def test_a_secret_can_be_rolled_at_once_and_not_for_more_than_a_day(api: Stripe) -> None:
    with listening(api) as (endpoint, other):
        api.control(f"endpoints/{endpoint}/roll", {"seconds": 86401}, status=400)
        other.secret = api.control(f"endpoints/{endpoint}/roll", {"seconds": 0})["secret"]
        other.wait(_expire(api), "checkout.session.expired")
        assert other.signatures[-1].count("v1=") == 1
    api.control("endpoints/we_none/roll", status=404)


def test_a_restart_keeps_a_rolled_secret(tmp_path: Path) -> None:
    port = free_port()
    with receiving() as receiver:
        with stripe_running(tmp_path, receiver, port) as before:
            (endpoint,) = before.client.v1.webhook_endpoints.list().data
            secret = before.control(f"endpoints/{endpoint.id}/roll", {"seconds": 0})["secret"]
        assert receiver.secret == SECRET
        receiver.secret = secret
        with stripe_running(tmp_path, receiver, port) as after:
            receiver.wait(_expire(after), "checkout.session.expired")


def test_an_endpoint_hears_the_version_that_it_was_made_with(api: Stripe) -> None:
    with listening(api, api_version="2022-08-01") as (endpoint, other):
        assert api.client.v1.webhook_endpoints.retrieve(endpoint).api_version == "2022-08-01"
        session = api.paid_by_card()
        completed = other.wait(session.id, "checkout.session.completed")
        assert completed.api_version == "2022-08-01"
        assert completed.data.object.ui_mode == "hosted"
        assert completed.data.object.shipping_details is None
        intent: Any = session.payment_intent
        paid = other.wait(intent.id, "payment_intent.succeeded").data.object
        assert paid.charges.data[0].id == intent.latest_charge.id
        assert "latest_charge" not in paid
        assert paid.invoice is None
        charged = other.wait(intent.latest_charge.id, "charge.succeeded").data.object
        assert charged.refunds.data == []
        api.client.v1.refunds.create({"payment_intent": intent.id})
        refunded = other.wait(charged.id, "charge.refunded").data.object
        assert [one.amount for one in refunded.refunds.data] == [1500]
        # The same event at an endpoint of today, and in the API, is as it was.
        today = api.receiver.wait(intent.id, "payment_intent.succeeded")
        assert (today.api_version, today.data.object.latest_charge) == (stripe.api_version, charged.id)
        assert "charges" not in today.data.object
        assert api.client.v1.events.retrieve(completed.id).data.object.ui_mode == "hosted_page"


@pytest.mark.parametrize(
    ("version", "ui_mode", "shipping", "charges"),
    [
        ("2022-11-15", "hosted", True, False),
        ("2025-03-31.basil", "hosted", False, False),
        ("2026-03-25.dahlia", "hosted_page", False, False),
        (stripe.api_version, "hosted_page", False, False),
    ],
)
def test_each_version_has_its_shape(api: Stripe, version: str, ui_mode: str, *, shipping: bool, charges: bool) -> None:
    with listening(api, api_version=version) as (_, other):
        session = api.paid_by_card()
        completed = other.wait(session.id, "checkout.session.completed")
        intent: Any = session.payment_intent
        paid = other.wait(intent.id, "payment_intent.succeeded").data.object
        assert (completed.api_version, completed.data.object.ui_mode) == (version, ui_mode)
        assert ("shipping_details" in completed.data.object) == shipping
        assert ("charges" in paid) == charges


def test_the_data_of_an_event_stays_as_it_was_at_its_creation(api: Stripe) -> None:
    with listening(api, api_version="2022-08-01") as (_, other):
        session: Any = api.paid_by_card()
        event = other.wait(session.payment_intent.id, "payment_intent.succeeded")
        api.client.v1.refunds.create({"payment_intent": session.payment_intent.id})
        api.control(f"events/{event.id}/redeliver")
        again = other.wait(session.payment_intent.id, "payment_intent.succeeded", times=2)
        assert again.data.object.charges.data[0].amount_refunded == 0
        assert again.data.object.charges.data[0].refunds.data == []
