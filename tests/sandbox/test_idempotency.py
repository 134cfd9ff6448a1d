"""Idempotency-Key: replay, mismatch, in flight, nothing kept of what failed validation."""

from __future__ import annotations

import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import stripe

from sandbox.stripe.door import idempotency
from sandbox.stripe.errors import ConflictError, InvalidRequestError, StateError
from sandbox.stripe.store import Store
from tests.sandbox.conftest import Receiver, Stripe, line_item, receiving, stripe_running

PARAMS: Any = {"mode": "payment", "success_url": "http://shop.test/", "line_items": [line_item(500)]}


def test_the_same_key_gives_the_same_session(api: Stripe) -> None:
    options: Any = {"idempotency_key": str(uuid.uuid4())}
    first = api.sessions.create(PARAMS, options)
    second: Any = api.sessions.create(PARAMS, options)
    assert second.id == first.id
    assert second.last_response.headers["idempotent-replayed"] == "true"
    assert api.sessions.create(PARAMS, {"idempotency_key": str(uuid.uuid4())}).id != first.id


def test_the_same_key_with_other_parameters_is_an_error(api: Stripe) -> None:
    options: Any = {"idempotency_key": str(uuid.uuid4())}
    session = api.sessions.create(PARAMS, options)
    with pytest.raises(stripe.IdempotencyError) as caught:
        api.sessions.create(PARAMS | {"locale": "en"}, options)
    assert caught.value.http_status == 400
    with pytest.raises(stripe.IdempotencyError):
        api.sessions.expire(session.id, {}, options)


def test_a_key_belongs_to_the_account_not_to_the_api_key(api: Stripe) -> None:
    options: Any = {"idempotency_key": str(uuid.uuid4())}
    first = api.sessions.create(PARAMS, options)
    other = stripe.StripeClient("sk_test_other", base_addresses={"api": api.base})
    assert other.v1.checkout.sessions.create(PARAMS, options).id == first.id


def test_a_key_is_forgotten_after_a_day(receiver: Receiver, tmp_path: Path) -> None:
    with stripe_running(tmp_path, receiver) as own:
        options: Any = {"idempotency_key": str(uuid.uuid4())}
        first = own.sessions.create(PARAMS, options)
        own.control("time/advance", {"hours": 23})
        assert own.sessions.create(PARAMS, options).id == first.id
        own.control("time/advance", {"hours": 1})
        second: Any = own.sessions.create(PARAMS, options)
        assert second.id != first.id
        assert "idempotent-replayed" not in second.last_response.headers


def test_the_headers_of_a_keyed_call(api: Stripe) -> None:
    key = str(uuid.uuid4())
    first: Any = api.sessions.create(PARAMS, {"idempotency_key": key})
    headers = first.last_response.headers
    assert headers["idempotency-key"] == key
    assert headers["stripe-version"] == stripe.api_version
    assert "idempotent-replayed" not in headers
    assert "stripe-should-retry" not in headers


def test_a_get_has_no_key(api: Stripe) -> None:
    options: Any = {"idempotency_key": str(uuid.uuid4())}
    for _ in range(2):
        listed: Any = api.sessions.list({"limit": 1}, options)
        assert "idempotent-replayed" not in listed.last_response.headers


def test_a_refused_request_leaves_its_key_free(api: Stripe) -> None:
    options: Any = {"idempotency_key": str(uuid.uuid4())}
    api.refusal(lambda: api.sessions.create(PARAMS | {"mode": "rent"}, options))
    assert api.sessions.create(PARAMS, options).status == "open"


def test_a_refusal_by_state_is_kept(api: Stripe) -> None:
    session = api.create()
    api.sessions.expire(session.id)
    options: Any = {"idempotency_key": str(uuid.uuid4())}
    first = api.refusal(lambda: api.sessions.expire(session.id, {}, options))
    second = api.refusal(lambda: api.sessions.expire(session.id, {}, options))
    assert str(first.user_message) == str(second.user_message)
    assert second.headers is not None
    assert second.headers["idempotent-replayed"] == "true"


def test_a_key_in_flight_is_409(api: Stripe) -> None:
    key = str(uuid.uuid4())
    print_ = idempotency.fingerprint(f"/v1/checkout/sessions/{key}/expire", {})
    with closing(sqlite3.connect(api.folder / "stripe.sqlite3")) as file, file:
        values = (key, print_, int(time.time()))
        file.execute("INSERT INTO idempotent_calls (key, fingerprint, created) VALUES (?, ?, ?)", values)
    with pytest.raises(stripe.StripeError) as caught:
        api.sessions.expire(key, {}, {"idempotency_key": key})
    assert caught.value.http_status == 409
    body: Any = caught.value.json_body
    assert body["error"]["code"] == "idempotency_key_in_use"


def test_a_key_of_256_characters_is_refused(api: Stripe) -> None:
    assert api.refusal(lambda: api.sessions.create(PARAMS, {"idempotency_key": "k" * 256})).http_status == 400


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as opened:
        yield opened


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(tmp_path / "test.sqlite3")) as opened:
        yield opened


def test_a_server_error_is_replayed_too(store: Store) -> None:
    answers = iter([(500, {"error": {"type": "api_error"}}), (200, {})])
    first = idempotency.once(store, "k", "p", lambda: next(answers))
    assert first == ((500, {"error": {"type": "api_error"}}), False)
    assert idempotency.once(store, "k", "p", lambda: next(answers)) == (first[0], True)


def test_two_at_once_run_once(store: Store) -> None:
    inside, leave = threading.Event(), threading.Event()
    done: list[Any] = []

    def slow() -> tuple[int, dict[str, Any]]:
        inside.set()
        leave.wait(10)
        return 200, {"id": "x"}

    def first() -> None:
        done.append(idempotency.once(store, "k", "p", slow))
        store.close()

    thread = threading.Thread(target=first)
    thread.start()
    assert inside.wait(10)
    with pytest.raises(ConflictError):
        idempotency.once(store, "k", "p", slow)
    leave.set()
    thread.join()
    assert done == [((200, {"id": "x"}), False)]


def test_what_a_stopped_process_left_is_freed(store: Store) -> None:
    with store.write() as tx:
        tx.run("INSERT INTO idempotent_calls (key, fingerprint, created) VALUES ('k', 'p', 1)")
    idempotency.forget_unfinished(store)
    assert idempotency.once(store, "k", "p", lambda: (200, {}))[0] == (200, {})


@pytest.mark.parametrize(("error", "calls"), [(InvalidRequestError("no"), 2), (StateError("no"), 1)])
def test_only_what_started_is_kept(store: Store, error: Exception, calls: int) -> None:
    ran = []

    def run() -> tuple[int, dict[str, Any]]:
        ran.append(1)
        raise error

    for _ in range(2):
        try:
            idempotency.once(store, "k", "p", run)
        except InvalidRequestError:
            continue
    assert len(ran) == calls
