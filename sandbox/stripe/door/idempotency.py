"""Idempotency-Key on POST: one key, one effect, one answer (https://docs.stripe.com/api/idempotent_requests).

Keys belong to the account, whichever API key came with them (inferred), and are forgotten after 24 hours.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import TypeAlias

from sandbox.stripe import clock
from sandbox.stripe.door.forms import Tree
from sandbox.stripe.errors import ApiError, ConflictError, IdempotencyError, InvalidRequestError
from sandbox.stripe.store import Json, Store

Answer: TypeAlias = tuple[int, Json]

MAX_KEY_LENGTH = 255
KEPT_SECONDS = 24 * 3600


def fingerprint(path: str, params: Tree) -> str:
    """Boil a request down to what must be equal when its key comes again."""
    return hashlib.sha256(json.dumps([path, params], sort_keys=True).encode()).hexdigest()


def once(store: Store, key: str, print_: str, run: Callable[[], Answer]) -> tuple[Answer, bool]:
    """Run the request, or replay what it answered before; the flag says which.

    Server errors are kept and replayed like successes. An ApiError that is not `replayable` frees the
    key. Raises IdempotencyError on other parameters, ConflictError while the first is still running.
    """
    if len(key) > MAX_KEY_LENGTH:
        raise InvalidRequestError(f"Idempotency keys are at most {MAX_KEY_LENGTH} characters long.")
    now = clock.now()
    with store.write() as tx:
        tx.run("DELETE FROM idempotent_calls WHERE created <= ? AND status IS NOT NULL", (now - KEPT_SECONDS,))
        row = tx.run("SELECT * FROM idempotent_calls WHERE key = ?", (key,)).fetchone()
        if row is None:
            values = (key, print_, now)
            tx.run("INSERT INTO idempotent_calls (key, fingerprint, created) VALUES (?, ?, ?)", values)
    if row is not None:
        return _replay(row["fingerprint"], row["status"], row["body"], print_, key), True
    try:
        status, body = run()
    except ApiError as error:
        if not error.replayable:
            _forget(store, key)
            raise
        status, body = error.status, error.body()
    with store.write() as tx:
        tx.run("UPDATE idempotent_calls SET status = ?, body = ? WHERE key = ?", (status, json.dumps(body), key))
    return (status, body), False


def forget_unfinished(store: Store) -> None:
    """Free the keys of requests that a stopped process left running."""
    with store.write() as tx:
        tx.run("DELETE FROM idempotent_calls WHERE status IS NULL")


def _replay(known: str, status: int | None, body: str | None, print_: str, key: str) -> Answer:
    if known != print_:
        raise IdempotencyError(
            "Keys for idempotent requests can only be used with the same parameters they were first used "
            f"with. Try using a key other than '{key}' if you meant to execute a different request."
        )
    if status is None or body is None:
        raise ConflictError(
            f"There is currently another in-progress request using this Idempotent Key ({key}).",
            code="idempotency_key_in_use",
        )
    return status, json.loads(body)


def _forget(store: Store, key: str) -> None:
    with store.write() as tx:
        tx.run("DELETE FROM idempotent_calls WHERE key = ?", (key,))
