"""AC-W02 with the real server: a secret is rolled by new settings and a reload, and no good event is refused."""

import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import WEBHOOK_SECRET
from tests.helpers import ROOT, wait_for
from tests.webhooks.conftest import serving
from tests.webhooks.deliveries import encode, make_event, sign
from tests.webhooks.test_ingest import send
from tests.webhooks.test_signatures import OTHER


def told(address: str, secret: str) -> int:
    """Send a new event signed with that secret; return the answer."""
    body = encode(make_event())
    return send(address, body, {"Stripe-Signature": sign(body, secret)})


@contextmanager
def stream(address: str, secret: str) -> Iterator[None]:
    """Send good events without pause meanwhile; every one of them must be taken."""
    over = threading.Event()

    def sender() -> list[int]:
        got = []
        while not over.is_set():
            got.append(told(address, secret))
        return got

    with ThreadPoolExecutor(2) as pool:
        senders = [pool.submit(sender) for _ in range(2)]
        try:
            yield
        finally:
            over.set()
        for one in senders:
            answers = one.result()
            assert len(answers) > 1
            assert set(answers) == {200}


def test_ac_w02_rolled_under_load_without_a_refusal(environment: dict[str, str], tmp_path: Path) -> None:
    def secrets(*known: str) -> None:
        (tmp_path / ".env").write_text(f"STRIPE_WEBHOOK_SECRETS={','.join(known)}\n")

    rest = {name: value for name, value in environment.items() if name != "STRIPE_WEBHOOK_SECRETS"}
    secrets(WEBHOOK_SECRET)
    with serving({**rest, "PYTHONPATH": str(ROOT)}, tmp_path / "web.log", 2, folder=tmp_path) as (address, server):
        assert (told(address, WEBHOOK_SECRET), told(address, OTHER)) == (200, 400)
        with stream(address, WEBHOOK_SECRET):
            secrets(OTHER, WEBHOOK_SECRET)
            server.send_signal(signal.SIGHUP)
            wait_for(lambda: all(told(address, OTHER) == 200 for _ in range(10)), 60, "both secrets")
        with stream(address, OTHER):
            secrets(OTHER)
            server.send_signal(signal.SIGHUP)
            wait_for(lambda: all(told(address, WEBHOOK_SECRET) == 400 for _ in range(10)), 60, "the new one alone")
