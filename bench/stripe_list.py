"""How long the stand-in's list of sessions by e-mail takes over HTTP, with 1,000 and with 100,000 sessions in its file.

`python -m bench.stripe_list` prints p50 and p95 of the call in milliseconds, for both ways to mind the case; beside
them what the caller waits for when stripe-python makes its objects of the answer.
"""

from __future__ import annotations

import json
import sqlite3
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.sandbox.conftest import Stripe, receiving, stripe_running
from tests.sandbox.seed import fill

CALLS = 60
SESSIONS_OF_AN_ADDRESS = 100


def _plain(api: Stripe, email: str) -> int:
    query = urlencode({"customer_details[email]": email, "limit": 100})
    request = urllib.request.Request(f"{api.base}/v1/checkout/sessions?{query}")
    request.add_header("Authorization", "Bearer sk_test_123")
    with urllib.request.urlopen(request, timeout=10) as answer:
        return len(json.load(answer)["data"])


def _sdk(api: Stripe, email: str) -> int:
    where: Any = {"customer_details": {"email": email}, "limit": 100}
    return len(api.sessions.list(where).data)


def _percentiles(call: Callable[[Stripe, str], int], api: Stripe) -> str:
    spent = []
    for number in range(CALLS):
        started = time.perf_counter()
        found = call(api, f"payer{number % 10}@example.com")
        spent.append((time.perf_counter() - started) * 1000)
        if found != SESSIONS_OF_AN_ADDRESS:
            raise SystemExit(f"{found} sessions instead of {SESSIONS_OF_AN_ADDRESS}")
    cuts = statistics.quantiles(spent, n=20)
    return f"{cuts[9]:>7.1f} {cuts[18]:>7.1f}"


def _measure(api: Stripe, count: int) -> None:
    api.control("settings", {"rate_limits": False})
    template = api.paid_by_card()
    with closing(sqlite3.connect(api.folder / "stripe.sqlite3", timeout=30)) as connection, connection:
        fill(connection, template.id, count, count // SESSIONS_OF_AN_ADDRESS)
    for sensitive in (True, False):
        api.control("settings", {"email_case_sensitive": sensitive})
        print(f"{count:>9,} {sensitive!s:>15} {_percentiles(_plain, api)} {_percentiles(_sdk, api)}", flush=True)


def main() -> None:
    """Measure and print the table."""
    print(f"GET /v1/checkout/sessions by e-mail: {SESSIONS_OF_AN_ADDRESS} an answer, {CALLS} calls, milliseconds")
    print(f"{'':>25} {'HTTP':>7} {'':>7} {'with stripe-python':>19}")
    print(f"{'sessions':>9} {'case-sensitive':>15} {'p50':>7} {'p95':>7} {'p50':>7} {'p95':>7}")
    with receiving() as receiver:
        for count in (1000, 100_000):
            with tempfile.TemporaryDirectory() as folder, stripe_running(Path(folder), receiver) as api:
                _measure(api, count)


if __name__ == "__main__":
    main()
