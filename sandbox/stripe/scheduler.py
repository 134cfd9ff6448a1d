"""Let time pass, by itself or at a word: sessions expire, vouchers are paid or run out, refunds time out."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from sandbox.stripe import clock, timers
from sandbox.stripe.errors import ApiError
from sandbox.stripe.objects import dispute, refund, session
from sandbox.stripe.payer import bank, checkout, voucher
from sandbox.stripe.store import Json, Store, Tx
from sandbox.stripe.webhooks import out

TICK_SECONDS = 1.0
_log = logging.getLogger(__name__)


def _expire_session(tx: Tx, object_id: str) -> None:
    session.expire_now(tx, checkout.find_session(tx, object_id))


def _pay_voucher(tx: Tx, object_id: str) -> None:
    voucher.pay_at_till(tx, checkout.find_session(tx, object_id))


def _expire_voucher(tx: Tx, object_id: str) -> None:
    voucher.expire(tx, checkout.find_session(tx, object_id))


def _fail_refund(tx: Tx, object_id: str) -> None:
    # Only details that never came let a refund time out; what is pending waits for the bank.
    if bank.find(tx, object_id)["status"] == "requires_action":
        refund.settle(tx, object_id, "failed")


ACTIONS: dict[str, Callable[[Tx, str], object]] = {
    "expire_session": _expire_session,
    "pay_voucher": _pay_voucher,
    "expire_voucher": _expire_voucher,
    "fail_refund": _fail_refund,
    "lose_dispute": lambda tx, object_id: dispute.lose_unanswered(tx, tx.need(object_id, "dispute")),
    **bank.ANSWERS,
}


def run_due(store: Store) -> None:
    """Do everything whose time has come. What no longer applies (paid, expired, settled) is passed over."""
    while timer := _due(store):
        try:
            with store.write() as tx:
                timers.remove(tx, timer["id"])
                ACTIONS[timer["action"]](tx, timer["object"])
        except ApiError:
            _forget(store, timer)
        except Exception:  # noqa: BLE001  (time goes on whatever one action did)
            _log.exception("The timer %s broke", timer)
            _forget(store, timer)


def _forget(store: Store, timer: Json) -> None:
    with store.write() as tx:
        timers.remove(tx, timer["id"])


def _due(store: Store) -> Json | None:
    with store.read() as tx:
        timer = timers.earliest(tx)
    return timer if timer and timer["due"] <= clock.now() else None


def advance(store: Store, target: float) -> None:
    """Play everything due until `target` (seconds since 1970), in order, each at its own moment, then be there.

    Every delivery is answered before time goes on, so a retry is due as long after its failure as it would be
    in real life. An earlier target than now plays what is due now.
    """
    with timers.turn:
        out.wait_until_idle(store)
        while (moment := _next_moment(store)) is not None and moment <= max(target, clock.exact()):
            clock.move_to(moment)
            run_due(store)
            out.send_due(store)
        clock.move_to(target)


def _next_moment(store: Store) -> float | None:
    with store.read() as tx:
        timer = timers.earliest(tx)
        moments = [timer["due"] if timer else None, out.earliest(tx)]
    return min((moment for moment in moments if moment is not None), default=None)


def start(store: Store) -> None:
    """Run for ever in a background thread."""

    def loop() -> None:
        while True:
            seen = store.version
            with timers.turn:
                run_due(store)
            store.wait_for_change(seen, TICK_SECONDS)

    threading.Thread(target=loop, name="scheduler", daemon=True).start()
