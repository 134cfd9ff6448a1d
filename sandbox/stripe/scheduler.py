"""The thread that lets time pass: sessions expire, vouchers are paid or run out, refunds time out."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from sandbox.stripe import clock, timers
from sandbox.stripe.errors import ApiError
from sandbox.stripe.objects import refund, session
from sandbox.stripe.payer import checkout
from sandbox.stripe.store import Store, Tx

TICK_SECONDS = 1.0
_log = logging.getLogger(__name__)


def _expire_session(tx: Tx, object_id: str) -> None:
    session.expire_now(tx, checkout.find_session(tx, object_id))


def _pay_voucher(tx: Tx, object_id: str) -> None:
    checkout.pay_at_till(tx, checkout.find_session(tx, object_id))


def _expire_voucher(tx: Tx, object_id: str) -> None:
    checkout.expire_voucher(tx, checkout.find_session(tx, object_id))


def _fail_refund(tx: Tx, object_id: str) -> None:
    refund.settle(tx, object_id, "failed")


ACTIONS: dict[str, Callable[[Tx, str], None]] = {
    "expire_session": _expire_session,
    "pay_voucher": _pay_voucher,
    "expire_voucher": _expire_voucher,
    "fail_refund": _fail_refund,
}


def run_due(store: Store) -> None:
    """Do everything whose time has come. What no longer applies (paid, expired, settled) is passed over."""
    with store.read() as tx:
        waiting = tx.run("SELECT 1 FROM timers WHERE due <= ? LIMIT 1", (clock.now(),)).fetchone()
    if not waiting:
        return
    with store.write() as tx:
        for action, object_id in timers.take_due(tx, clock.now()):
            try:
                ACTIONS[action](tx, object_id)
            except ApiError:
                continue


def start(store: Store) -> None:
    """Run for ever in a background thread."""

    def loop() -> None:
        while True:
            seen = store.version
            try:
                run_due(store)
            except Exception:  # noqa: BLE001  (time goes on whatever one action did)
                _log.exception("A timer broke")
            store.wait_for_change(seen, TICK_SECONDS)

    threading.Thread(target=loop, name="scheduler", daemon=True).start()
