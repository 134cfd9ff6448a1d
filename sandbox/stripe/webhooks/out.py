"""Deliver events to webhook endpoints: signed anew at each try, retried with back-off, kept in the store."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import urllib3

from sandbox.stripe import clock, switches
from sandbox.stripe.objects import event
from sandbox.stripe.store import Json, Store, Tx

TIMEOUT_SECONDS = 15.0
CHECKOUT_WAITS_SECONDS = 10.0
_SENDERS = 8
_TICK_SECONDS = 0.25

_http = urllib3.PoolManager(num_pools=8, maxsize=_SENDERS)


def signature(payload: str, secret: str, timestamp: int) -> str:
    """Give the Stripe-Signature header (stripe.md 6)."""
    digest = hmac.new(secret.encode(), f"{timestamp}.{payload}".encode(), hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


def start(store: Store) -> None:
    """Deliver for ever in background threads, beginning with what a stopped process left half sent."""
    with store.write() as tx:
        tx.run("UPDATE deliveries SET state = 'pending' WHERE state = 'sending'")
    pool = ThreadPoolExecutor(_SENDERS, thread_name_prefix="webhook")

    def loop() -> None:
        while True:
            seen = store.version
            for delivery in _claim(store):
                pool.submit(_deliver, store, delivery)
            store.wait_for_change(seen, _TICK_SECONDS)

    threading.Thread(target=loop, name="webhooks", daemon=True).start()


def wait_for_answer(store: Store, event_id: str, seconds: float = CHECKOUT_WAITS_SECONDS) -> None:
    """Hold a payer until every endpoint has answered the event once, but never longer than `seconds`."""
    deadline = time.monotonic() + seconds
    sql = "SELECT count(*) AS n FROM deliveries WHERE event = ? AND state IN ('pending', 'sending') AND attempts = 0"
    while (left := deadline - time.monotonic()) > 0:
        seen = store.version
        with store.read() as tx:
            waiting = tx.run(sql, (event_id,)).fetchone()["n"]
            paused = switches.get(tx, "webhooks_paused")
        if not waiting or paused:
            return
        store.wait_for_change(seen, left)


def _claim(store: Store) -> list[Json]:
    now = clock.exact()
    sql = "SELECT * FROM deliveries WHERE state = 'pending' AND due <= ? ORDER BY id LIMIT ?"
    with store.read() as tx:
        if switches.get(tx, "webhooks_paused") or not tx.run(sql, (now, 1)).fetchone():
            return []
    with store.write() as tx:
        rows = [dict(row) for row in tx.run(sql, (now, _SENDERS * 4)).fetchall()]
        for row in rows:
            tx.run("UPDATE deliveries SET state = 'sending' WHERE id = ?", (row["id"],))
    return rows


def _deliver(store: Store, delivery: Json) -> None:
    with store.read() as tx:
        endpoint = tx.get(delivery["endpoint"])
        stored = tx.get(delivery["event"])
        payload = json.dumps(event.fresh(tx, stored), ensure_ascii=False, indent=2) if stored else ""
    if endpoint is None or not payload:
        ok, answer = False, "endpoint deleted"
    else:
        ok, answer = _post(endpoint["url"], payload, endpoint["_sandbox"]["secret"])
    with store.write() as tx:
        _record(tx, delivery, answer, ok=ok)


def _post(url: str, payload: str, secret: str) -> tuple[bool, str]:
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": signature(payload, secret, clock.now()),
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    }
    try:
        answer = _http.request(
            "POST", url, body=payload.encode(), headers=headers, timeout=TIMEOUT_SECONDS, retries=False
        )
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        return False, type(error).__name__
    return 200 <= answer.status < 300, f"HTTP {answer.status}"  # noqa: PLR2004  (2xx)


def _record(tx: Tx, delivery: Json, answer: str, *, ok: bool) -> None:
    attempts = delivery["attempts"] + 1
    backoff = switches.get(tx, "webhook_backoff_seconds")
    given_up = attempts > len(backoff)
    state = "delivered" if ok else "failed" if given_up else "pending"
    due = clock.exact() + (0 if ok or given_up else backoff[attempts - 1])
    tx.run(
        "UPDATE deliveries SET state = ?, attempts = ?, answer = ?, due = ? WHERE id = ?",
        (state, attempts, answer, due, delivery["id"]),
    )
