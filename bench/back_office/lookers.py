"""Staff who look at orders at the same time: each look is an entry of the staff log, one after the other."""

import http.client
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from app.login.people import SESSION_COOKIE
from bench.webhooks.house import serving

AT_ONCE = (1, 16)
LOOKS = 15  # of each


def look(folder: Path, environment: dict[str, str], secret: str, order_ids: Sequence[str]) -> None:
    """Print what one and sixteen lookers get of the order's page, and of the list, which writes nothing."""
    with serving("wsgi:app", 2, environment, folder) as base:
        port = int(base.rsplit(":", 1)[1])

        def get(path: str) -> None:
            connection = http.client.HTTPConnection("127.0.0.1", port)
            connection.request("GET", path, headers={"Cookie": f"{SESSION_COOKIE}={secret}"})
            status = connection.getresponse().status
            connection.close()
            if status != 200:  # noqa: PLR2004
                raise SystemExit(f"{path}: {status}")

        pages: dict[str, Callable[[int], str]] = {
            "order page": lambda number: f"/staff/orders/{order_ids[number % len(order_ids)]}",
            "list": lambda _: "/staff/orders",
        }
        for name, path in pages.items():
            for lookers in (4, *AT_ONCE):  # the first round warms up
                spent, times = _all_at_once(lookers, lambda number, path=path: get(path(number)))  # type: ignore[misc]
                if lookers in AT_ONCE:
                    times.sort()
                    print(
                        f"{name:<12} {lookers:>2} at once: {len(times) / spent:6.1f} a second,"
                        f" p50 {times[len(times) // 2]:6.1f} ms, p95 {times[int(len(times) * 0.95)]:6.1f} ms"
                    )


def _all_at_once(lookers: int, deed: Callable[[int], None]) -> tuple[float, list[float]]:
    """Return seconds, and milliseconds of each look."""
    times: list[float] = []

    def looks(first: int) -> None:
        for number in range(first, first + LOOKS):
            begun = time.perf_counter()
            deed(number)
            times.append((time.perf_counter() - begun) * 1000)

    threads = [threading.Thread(target=looks, args=(LOOKS * one,)) for one in range(lookers)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - begun, times
