"""Rate limits on real time: so many calls in a second in all, and for each endpoint.

https://docs.stripe.com/rate-limits: 100 a second in live mode, 25 for each endpoint. How Stripe counts is not
published: here it is the number of calls let in during the last second. A refused call does not count.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque

from sandbox.stripe import switches
from sandbox.stripe.errors import RateLimitError
from sandbox.stripe.store import Tx

_TOTAL = "total"
_SECONDS = 1.0
_lock = threading.Lock()
_let_in: defaultdict[str, deque[float]] = defaultdict(deque)


def spend(tx: Tx, endpoint: str | None) -> None:
    """Count one call to an endpoint (method and route pattern; None: an unknown URL). Raises RateLimitError."""
    if not switches.get(tx, "rate_limits"):
        return
    wanted = [(_TOTAL, switches.get(tx, "rate_limit_total"), "global-rate")]
    if endpoint:
        wanted.append((endpoint, switches.get(tx, "rate_limit_endpoint"), "endpoint-rate"))
    now = time.monotonic()
    with _lock:
        for name, limit, reason in wanted:
            moments = _let_in[name]
            while moments and moments[0] <= now - _SECONDS:
                moments.popleft()
            if len(moments) >= limit:
                raise RateLimitError(reason)
        for name, _limit, _reason in wanted:
            _let_in[name].append(now)
