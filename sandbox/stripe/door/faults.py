"""Faults: what shall go wrong with calls, and how. Kept in the store until used up or cleared.

A fault is `{"id", "route", "kind", "times", "share", "seconds"}`: `route` is matched against "METHOD path"
(fnmatch: `POST /v1/refunds`, `* /v1/*`), `times` counts down (null: for ever), `share` is the chance from 0 to 1
that a matching call is hit, `seconds` belongs to latency and timeout. The first fault that hits a call takes it.
"""

from __future__ import annotations

import random
import select
import socket
from fnmatch import fnmatchcase

from sandbox.stripe.errors import InvalidRequestError, NotFoundError
from sandbox.stripe.store import Json, Store, Tx

# Kind -> what happens, in Japanese and English.
KINDS: dict[str, tuple[str, str]] = {
    "latency": ("応答が遅れる", "The answer comes late"),
    "429": ("429(呼び出しが多すぎる)", "429 (too many calls)"),
    "500_before": ("500、何も起きていない", "500, nothing happened"),
    "500_after": ("500、処理は済んでいる", "500, though it was done"),
    "reset_before": ("接続が切れる、何も起きていない", "Connection reset, nothing happened"),
    "reset_after": ("接続が切れる、処理は済んでいる", "Connection reset, though it was done"),
    "timeout": ("応答しない、処理は済んでいる", "No answer, though it was done"),
}
# Kinds whose caller gets no answer.
SILENT = ("reset_before", "reset_after", "timeout")
DEFAULT_SECONDS = {"latency": 2.0, "timeout": 60.0}
_SETTING = "faults"


def all_of(tx: Tx) -> list[Json]:
    """Give the faults that are not used up, oldest first."""
    found: list[Json] = tx.setting(_SETTING, [])
    return found


def add(
    tx: Tx, route: str, kind: str, *, times: int | None = None, share: float = 1.0, seconds: float | None = None
) -> Json:
    """Keep a fault and give it with its id. Raises InvalidRequestError."""
    if kind not in KINDS:
        raise InvalidRequestError(f"Unknown kind of fault: {kind}. Known: {', '.join(KINDS)}.", param="kind")
    if " /" not in route:
        raise InvalidRequestError("A route is a method and a path, such as POST /v1/refunds.", param="route")
    if times == 0 or not 0 < share <= 1:
        raise InvalidRequestError("times is 1 or more (or null), share more than 0 and at most 1.", param="times")
    faults = all_of(tx)
    fault: Json = {
        "id": f"fault_{max((int(one['id'][6:]) for one in faults), default=0) + 1}",
        "route": route,
        "kind": kind,
        "times": times,
        "share": share,
        "seconds": DEFAULT_SECONDS.get(kind, 0.0) if seconds is None else seconds,
    }
    tx.set(_SETTING, [*faults, fault])
    return fault


def remove(tx: Tx, fault_id: str) -> None:
    """Forget a fault. Raises NotFoundError."""
    left = [one for one in all_of(tx) if one["id"] != fault_id]
    if len(left) == len(all_of(tx)):
        raise NotFoundError(f"No such fault: '{fault_id}'", code="resource_missing", param="id")
    tx.set(_SETTING, left)


def clear(tx: Tx) -> None:
    """Forget all faults."""
    tx.set(_SETTING, [])


def take(store: Store, method: str, path: str) -> Json | None:
    """Give the fault that hits this call, counted down, or None."""
    with store.read() as tx:
        if not any(_matches(fault, method, path) for fault in all_of(tx)):
            return None
    with store.write() as tx:
        faults = all_of(tx)
        for fault in faults:
            if _matches(fault, method, path) and random.random() < fault["share"]:  # noqa: S311  (chance, not a secret)
                if fault["times"] is not None:
                    fault["times"] -= 1
                tx.set(_SETTING, [one for one in faults if one["times"] != 0])
                return fault
    return None


def _matches(fault: Json, method: str, path: str) -> bool:
    return fnmatchcase(f"{method} {path}", fault["route"])


def hold(connection: socket.socket, seconds: float) -> None:
    """Leave a caller without an answer until it hangs up, at most for `seconds`."""
    select.select([connection], [], [], seconds)
