"""The jobs about money: send some of it back, remind of vouchers, ask what payments cost."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from app.checkout.fees import fetch
from app.checkout.refunds import give_back, give_up
from app.checkout.reminders import remind
from app.checkout.staff_refunds import carry_out, put_off
from app.jobs import SCHEDULE, StepFailedError, job, step, times_before

# Idempotency keys that a refund may use up: each one only after Stripe stored a failure under the one before.
KEYS = 4
ATTEMPTS = 12  # under one key, from one second on, doubling: a good half hour

SCHEDULE["payments.remind"] = timedelta(hours=1)
SCHEDULE["payments.fees"] = timedelta(hours=1)


@job("payments.refund")
def refund(payment_id: str) -> None:
    """Send one extra payment back."""
    if failed := _failed_under_all_keys(partial(give_back, payment_id)):
        step(lambda: give_up(payment_id, failed), name="give_up")


@job("payments.staff_refund")
def staff_refund(request_id: str) -> None:
    """Send back what staff asked for and agreed to."""
    if failed := _failed_under_all_keys(partial(carry_out, request_id)):
        step(lambda: put_off(request_id, failed), name="put_off")


def _failed_under_all_keys(send_back: Callable[[int], bool]) -> Exception | None:
    """Try to send money back under one key after the other; returns why nothing came of it, or None.

    The number of the key is part of the step's name, so it outlives a crash. A job that was put off goes on counting.
    """
    used = times_before() * KEYS
    try:
        for number in range(used + 1, used + KEYS + 1):
            if step(partial(send_back, number), name=f"refund-{number}", attempts=ATTEMPTS):
                return None
    except StepFailedError as error:
        return error
    return RuntimeError(f"Stripe failed under {KEYS} keys")


@job("payments.remind")
def remind_hourly(_moment: str) -> None:
    """Remind whoever has a voucher that runs out soon."""
    step(remind, name="remind")


@job("payments.fees")
def fetch_fees(_moment: str) -> None:
    """Ask Stripe what the payments of the last days cost."""
    step(fetch, name="fetch", attempts=3)
