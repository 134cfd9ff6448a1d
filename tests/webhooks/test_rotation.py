"""AC-W02 with real servers: a secret is rolled, one server replaced by the next, and no good event is refused."""

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.conftest import WEBHOOK_SECRET
from tests.helpers import wait_for
from tests.webhooks.conftest import serving
from tests.webhooks.deliveries import encode, make_event, sign
from tests.webhooks.test_ingest import send
from tests.webhooks.test_signatures import OTHER


class Balancer:
    """Sends events to whichever server is in use, as a load balancer in front of them does."""

    def __init__(self) -> None:
        self.address = ""
        self.answers: list[int] = []
        self._under_way: Counter[str] = Counter()
        self._lock = threading.Lock()

    def told(self, secret: str) -> int:
        """Send a new event signed with that secret; return the answer."""
        body = encode(make_event())
        with self._lock:
            address = self.address
            self._under_way[address] += 1
        try:
            return send(address, body, {"Stripe-Signature": sign(body, secret)})
        finally:
            with self._lock:
                self._under_way[address] -= 1

    def drain(self) -> None:
        """Wait until no server but the one in use has a request under way: then the others may be stopped."""
        wait_for(lambda: not any(count for one, count in self._under_way.items() if one != self.address), 60, "drain")

    @contextmanager
    def stream(self, secret: str) -> Iterator[None]:
        """Send good events without pause meanwhile."""
        over = threading.Event()

        def sender() -> None:
            while not over.is_set():
                self.answers.append(self.told(secret))

        with ThreadPoolExecutor(2) as pool:
            senders = [pool.submit(sender) for _ in range(2)]
            try:
                yield
            finally:
                over.set()
            for one in senders:
                one.result()


def test_ac_w02_rolled_under_load_without_a_refusal(environment: dict[str, str], tmp_path: Path) -> None:
    """A secret is rolled from server to server under load, and no good event is refused."""
    balancer = Balancer()
    with ExitStack() as house:

        def serve(*secrets: str) -> ExitStack:
            """Start a server that knows these secrets, and let it have the traffic."""
            settings = {**environment, "STRIPE_WEBHOOK_SECRETS": ",".join(secrets)}
            server = house.enter_context(ExitStack())
            balancer.address = server.enter_context(serving(settings, tmp_path / "web.log", 1))
            return server

        def more() -> None:
            """See that events go on arriving."""
            seen = len(balancer.answers)
            wait_for(lambda: len(balancer.answers) > seen + 10, 60, "more events")

        first = serve(WEBHOOK_SECRET)
        assert (balancer.told(WEBHOOK_SECRET), balancer.told(OTHER)) == (200, 400)
        with balancer.stream(WEBHOOK_SECRET):
            second = serve(OTHER, WEBHOOK_SECRET)
            balancer.drain()
            first.close()
            more()
        with balancer.stream(OTHER):
            more()
            serve(OTHER)
            balancer.drain()
            second.close()
            more()
        assert (balancer.told(OTHER), balancer.told(WEBHOOK_SECRET)) == (200, 400)
    assert set(balancer.answers) == {200}
