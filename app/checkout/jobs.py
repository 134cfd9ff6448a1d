"""The jobs about money: send back what came twice, remind of vouchers."""

from datetime import timedelta

from app.checkout.fees import fetch
from app.checkout.refunds import give_back, give_up
from app.checkout.reminders import remind
from app.jobs import SCHEDULE, StepFailedError, job, step

# Idempotency keys that a refund may use up: each one only after Stripe stored a failure under the one before.
KEYS = 4
ATTEMPTS = 12  # under one key, from one second on, doubling: a good half hour

SCHEDULE["payments.remind"] = timedelta(hours=1)
SCHEDULE["payments.fees"] = timedelta(hours=1)


@job("payments.refund")
def refund(payment_id: str) -> None:
    """Send one extra payment back. The number of the key is part of the step's name, so it outlives a crash."""
    try:
        for number in range(1, KEYS + 1):
            if step(lambda number=number: give_back(payment_id, number), name=f"refund-{number}", attempts=ATTEMPTS):  # type: ignore[misc]
                return
        reason: Exception = RuntimeError(f"Stripe failed under {KEYS} keys")
    except StepFailedError as error:
        reason = error
    step(lambda: give_up(payment_id, reason), name="give_up")


@job("payments.remind")
def remind_hourly(_moment: str) -> None:
    """Remind whoever has a voucher that runs out soon."""
    step(remind, name="remind")


@job("payments.fees")
def fetch_fees(_moment: str) -> None:
    """Ask Stripe what the payments of the last days cost."""
    step(fetch, name="fetch", attempts=3)
