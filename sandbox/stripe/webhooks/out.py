"""Deliver events to webhook endpoints: signed anew at each try, retried with back-off, kept in the store."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import urllib3

from sandbox.stripe import clock, plans, switches, timers
from sandbox.stripe.objects import event, webhook_endpoint
from sandbox.stripe.store import Json, Store, Tx
from sandbox.stripe.webhooks import sign

TIMEOUT_SECONDS = 15.0
CHECKOUT_WAITS_SECONDS = 10.0
_WRONG_SECRET = "whsec_wrong_0000000000000000000000000000"
_SENDERS = 8
_TICK_SECONDS = 0.25

_http = urllib3.PoolManager(num_pools=8, maxsize=_SENDERS)


@dataclass(frozen=True)
class Answer:
    """What came back from one try; `final`: it will not be tried again although it failed."""

    ok: bool
    text: str
    final: bool = False


def start(store: Store) -> None:
    """Deliver for ever in background threads, beginning with what a stopped process left half sent."""
    with store.write() as tx:
        tx.run("UPDATE deliveries SET state = 'pending' WHERE state = 'sending'")
    pool = ThreadPoolExecutor(_SENDERS, thread_name_prefix="webhook")

    def loop() -> None:
        while True:
            seen = store.version
            with timers.turn:
                for delivery in _claim_due(store, _SENDERS * 4):
                    pool.submit(send, store, delivery)
            store.wait_for_change(seen, _TICK_SECONDS)

    threading.Thread(target=loop, name="webhooks", daemon=True).start()


def earliest(tx: Tx) -> float | None:
    """Say when the next try is due (seconds since 1970); None when there is none, or they are paused."""
    if switches.get(tx, "webhooks_paused"):
        return None
    due: float | None = tx.run("SELECT min(due) AS due FROM deliveries WHERE state = 'pending'").fetchone()["due"]
    return due


def send_due(store: Store) -> None:
    """Make the first try that is due, and wait for its answer."""
    for delivery in _claim_due(store, 1):
        send(store, delivery)


def wait_until_idle(store: Store) -> None:
    """Wait until no try is under way; each ends within TIMEOUT_SECONDS."""
    while True:
        seen = store.version
        with store.read() as tx:
            if not tx.run("SELECT 1 FROM deliveries WHERE state = 'sending' LIMIT 1").fetchone():
                return
        store.wait_for_change(seen, TIMEOUT_SECONDS)


def wait_for_answer(store: Store, event_id: str, seconds: float = CHECKOUT_WAITS_SECONDS) -> None:
    """Hold a payer until every endpoint has answered the event once, but never longer than `seconds`.

    The seconds are real ones. What is not going to be sent in them (paused, or planned for later) holds nobody.
    """
    deadline = time.monotonic() + seconds
    sql = """SELECT count(*) AS n FROM deliveries
        WHERE event = ? AND state IN ('pending', 'sending') AND attempts = 0 AND due <= ?"""
    while (left := deadline - time.monotonic()) > 0:
        seen = store.version
        with store.read() as tx:
            waiting = tx.run(sql, (event_id, clock.exact() + left)).fetchone()["n"]
            paused = switches.get(tx, "webhooks_paused")
        if not waiting or paused:
            return
        store.wait_for_change(seen, left)


def _claim_due(store: Store, limit: int) -> list[Json]:
    now = clock.exact()
    with store.read() as tx:
        due = earliest(tx)
        if due is None or due > now:
            return []
    with store.write() as tx:
        return claim(tx, "due <= ? ORDER BY due, id LIMIT ?", (now, limit))


def claim(tx: Tx, which: str, values: Sequence[Any]) -> list[Json]:
    """Take the pending deliveries of an SQL condition, so that nobody else sends them; `send` must follow."""
    sql = f"SELECT * FROM deliveries WHERE state = 'pending' AND {which}"  # noqa: S608  (no user text)
    rows = tx.run(sql, values).fetchall()
    for row in rows:
        tx.run("UPDATE deliveries SET state = 'sending' WHERE id = ?", (row["id"],))
    return [dict(row) | _planned(tx, row["event"]) for row in rows]


def _planned(tx: Tx, event_id: str) -> Json:
    stored = tx.get(event_id) or {"type": ""}
    return {do: plans.take(tx, do, stored["type"]) for do in ("drop", "wrong_secret")}


def send(store: Store, delivery: Json) -> str:
    """Make one try of a claimed delivery, keep what came of it, and give the endpoint's answer in words."""
    answer = _try(store, delivery)
    with store.write() as tx:
        _record(tx, delivery, answer)
    return answer.text


def _try(store: Store, delivery: Json) -> Answer:
    with store.read() as tx:
        endpoint = tx.get(delivery["endpoint"])
        stored = tx.get(delivery["event"])
        body = event.payload(tx, stored, endpoint) if stored and endpoint else {}
    if endpoint is None or not body:
        return Answer(ok=False, text="endpoint deleted", final=True)
    if endpoint["status"] != "enabled":
        # Disabled or deleted when a retry is due: no more of them (https://docs.stripe.com/webhooks#retries).
        return Answer(ok=False, text="endpoint disabled", final=True)
    if delivery["drop"]:
        return Answer(ok=False, text="lost on the way, as planned", final=delivery["drop"]["for_good"])
    wrong = delivery["wrong_secret"]
    secrets = [_WRONG_SECRET] if wrong else webhook_endpoint.secrets(endpoint, clock.exact())
    return _post(endpoint["url"], json.dumps(body, ensure_ascii=False, indent=2), secrets)


def _post(url: str, payload: str, secrets: Sequence[str]) -> Answer:
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": sign.header(payload, secrets, clock.now()),
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    }
    try:
        answer = _http.request(
            "POST", url, body=payload.encode(), headers=headers, timeout=TIMEOUT_SECONDS, retries=False
        )
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        return Answer(ok=False, text=type(error).__name__)
    return Answer(ok=200 <= answer.status < 300, text=f"HTTP {answer.status}")  # noqa: PLR2004  (2xx)


def _record(tx: Tx, delivery: Json, answer: Answer) -> None:
    attempts = delivery["attempts"] + 1
    backoff = switches.get(tx, "webhook_backoff_seconds")
    given_up = answer.final or attempts > len(backoff)
    state = "delivered" if answer.ok else "failed" if given_up else "pending"
    due = clock.exact() + (backoff[attempts - 1] if state == "pending" else 0)
    tx.run(
        "UPDATE deliveries SET state = ?, attempts = ?, answer = ?, due = ? WHERE id = ?",
        (state, attempts, answer.text, due, delivery["id"]),
    )
