"""How fast recovery asks Stripe: below the 25 calls a second that Stripe allows one endpoint and a sandbox."""

import time

# https://docs.stripe.com/rate-limits; customers' own calls need some of it.
CALLS_A_SECOND = 20


class Pace:
    """Call `wait` before every call to Stripe."""

    def __init__(self, calls_a_second: float = CALLS_A_SECOND) -> None:
        self._gap = 1 / calls_a_second
        self._next = 0.0
        self.calls = 0

    def wait(self) -> None:
        """Return as soon as another call may be made."""
        pause = self._next - time.monotonic()
        if pause > 0:
            time.sleep(pause)
        self._next = time.monotonic() + self._gap
        self.calls += 1
