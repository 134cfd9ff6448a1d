"""Rate limits: so many calls in a second in all, so many to each endpoint."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import stripe

from tests.helpers import wait_for
from tests.sandbox.conftest import Stripe, receiving, stripe_running


@pytest.fixture
def limited(api: Stripe) -> Iterator[Stripe]:
    """Limits so low that a slow machine meets them too."""
    api.control("settings", {"rate_limits": True, "rate_limit_total": 100, "rate_limit_endpoint": 3})
    yield api
    api.control("settings", {"rate_limits": False, "rate_limit_total": 100, "rate_limit_endpoint": 25})


def burst(act: Any, times: int) -> list[stripe.RateLimitError]:
    """Call so many times at once; give the refusals."""
    refused: list[stripe.RateLimitError] = []

    def ask(_number: int) -> None:
        try:
            act()
        except stripe.RateLimitError as error:
            refused.append(error)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(times)))
    return refused


def reason(error: stripe.RateLimitError) -> Any:
    headers: Any = error.headers
    return headers["stripe-rate-limited-reason"]


def test_an_endpoint_has_its_limit(limited: Stripe) -> None:
    refused = burst(limited.client.v1.accounts.retrieve_current, 30)
    assert {reason(one) for one in refused} == {"endpoint-rate"}
    body: Any = refused[0].json_body
    assert (refused[0].http_status, body["error"]["code"]) == (429, "rate_limit")
    assert body["error"]["type"] == "invalid_request_error"
    assert "https://stripe.com/docs/rate-limits" in str(refused[0])
    # Another endpoint has a limit of its own.
    assert limited.client.v1.events.list({"limit": 1}).data is not None


def test_all_endpoints_together_have_theirs(limited: Stripe) -> None:
    limited.control("settings", {"rate_limit_total": 3, "rate_limit_endpoint": 1000})
    client = limited.client.v1

    def ask() -> None:
        client.events.list()
        client.accounts.retrieve_current()

    assert {reason(one) for one in burst(ask, 15)} == {"global-rate"}


def test_ids_do_not_make_endpoints_of_their_own(limited: Stripe) -> None:
    ids = [f"cs_test_{number}" for number in range(30)]

    def ask() -> None:
        with suppress(stripe.InvalidRequestError):
            limited.sessions.retrieve(ids.pop())

    assert {reason(one) for one in burst(ask, 30)} == {"endpoint-rate"}


def test_a_second_later_all_is_well(limited: Stripe) -> None:
    assert burst(limited.client.v1.accounts.retrieve_current, 30)
    wait_for(lambda: not burst(limited.client.v1.accounts.retrieve_current, 1))


def test_a_refused_call_leaves_its_idempotency_key_free(limited: Stripe) -> None:
    session = limited.control("settings", {"rate_limits": False}) and limited.create()
    options: Any = {"idempotency_key": str(uuid.uuid4())}
    limited.control("settings", {"rate_limits": True, "rate_limit_endpoint": 0})
    with pytest.raises(stripe.RateLimitError):
        limited.sessions.expire(session.id, {}, options)
    limited.control("settings", {"rate_limits": False})
    assert limited.sessions.expire(session.id, {}, options).status == "expired"


def test_stripes_own_numbers_are_the_default(tmp_path: Path) -> None:
    with receiving() as receiver, stripe_running(tmp_path, receiver) as own:
        switches = own.control("settings")
        assert [switches[f"rate_limit{name}"] for name in ("s", "_total", "_endpoint")] == [True, 100, 25]
        # 25 a second are let in, whoever is how slow.
        assert burst(own.client.v1.accounts.retrieve_current, 25) == []


def test_switched_off_there_is_none(api: Stripe) -> None:
    assert burst(api.client.v1.accounts.retrieve_current, 40) == []
