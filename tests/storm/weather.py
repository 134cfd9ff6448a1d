"""The storm itself: events sent three times over, shuffled, by several senders, while job workers are killed."""

import http.client
import json
import random
import threading
import time
from collections import deque
from dataclasses import dataclass, field

from sqlalchemy import func, select

from app.models import Mail, StripeEvent
from tests.faults.house import JOB_WORKERS, House
from tests.helpers import wait_for
from tests.storm.books import Books, Json
from tests.webhooks.deliveries import sign

COPIES = 3
SENDERS = 8
LATE_SHARE = 0.05  # so many events come only when all others have come three times
TRIES = 20
JOBS = ["mail.send", "delivery.build", "payments.refund"]
UNFINISHED = ["ENQUEUED", "PENDING", "DELAYED"]
CALM_S = 1800.0


@dataclass
class Post:
    """Stripe's senders: every delivery is made until it is answered 2xx."""

    house: House
    queue: deque[tuple[bytes, int]]
    answers: dict[str, int] = field(default_factory=dict)
    took: list[float] = field(default_factory=list)
    seconds: float = 0.0
    failed: list[BaseException] = field(default_factory=list)
    _senders: list[threading.Thread] = field(default_factory=list)

    @classmethod
    def of(cls, house: House, events: list[Json], chance: random.Random) -> "Post":
        """Take every event COPIES times, in no order at all; a few come late."""
        late = set(chance.sample(range(len(events)), round(LATE_SHARE * len(events))))
        bodies = [json.dumps(event, ensure_ascii=False, indent=2).encode() for event in events]
        order = [((index in late) + chance.random(), index) for index in range(len(events)) for _ in range(COPIES)]
        return cls(house, deque((bodies[index], TRIES) for _, index in sorted(order)))

    def start(self) -> None:
        """Begin to deliver."""
        begun = time.monotonic()

        def work() -> None:
            try:
                self._send()
            except BaseException as error:  # noqa: BLE001  (told to whoever waits)
                self.failed.append(error)
            self.seconds = max(self.seconds, time.monotonic() - begun)

        self._senders = [threading.Thread(target=work) for _ in range(SENDERS)]
        for sender in self._senders:
            sender.start()

    def delivered(self) -> bool:
        """Tell whether all is delivered; raises what stopped a sender."""
        if self.failed:
            raise self.failed[0]
        return not any(sender.is_alive() for sender in self._senders)

    def _send(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.house.port, timeout=30)
        while self.queue:
            try:
                body, tries = self.queue.popleft()
            except IndexError:
                break
            answer = self._once(connection, body)
            self.answers[answer] = self.answers.get(answer, 0) + 1
            if answer != "200":
                assert tries > 1, f"an event was refused {TRIES} times, at last with {answer}"
                self.queue.append((body, tries - 1))
        connection.close()

    def _once(self, connection: http.client.HTTPConnection, body: bytes) -> str:
        headers = {"Content-Type": "application/json", "Stripe-Signature": sign(body)}
        begun = time.monotonic()
        try:
            connection.request("POST", "/webhooks/stripe", body, headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return type(error).__name__
        self.took.append(time.monotonic() - begun)
        return str(answer.status)


@dataclass(frozen=True)
class Kill:
    """A job worker killed with -9: when (seconds since 1970), how many events it held, how many were done of all."""

    at: float
    held: int
    done: int


def kill_at_random(house: House, post: Post, kills: int, total: int, chance: random.Random) -> list[Kill]:
    """Kill a job worker `kills` times, at random moments of the work, and start it again each time."""
    moments = sorted(chance.randint(1, round(0.9 * total)) for _ in range(kills))
    killed = []
    for moment in moments:

        def come(moment: int = moment) -> bool:
            post.delivered()
            return handled(house) >= moment

        wait_for(come, CALM_S, f"{moment} of {total} events")
        victim = chance.choice(JOB_WORKERS)
        with house.portal.database.transaction() as session:
            mine = (StripeEvent.state == "received", StripeEvent.taken_by.startswith(victim))
            held = session.scalar(select(func.count()).where(*mine)) or 0
        house.kill(victim)
        killed.append(Kill(time.time(), held, handled(house)))
        house.revive()
    return killed


def handled(house: House) -> int:
    """Count the events that nothing is left to do about."""
    with house.portal.database.transaction() as session:
        return session.scalar(select(func.count()).where(StripeEvent.state != "received")) or 0


def calm(house: House, books: Books) -> bool:
    """Tell whether nothing is left to do: no event, no job, no mail, and Stripe has nothing more to say."""
    with house.portal.database.transaction() as session:
        waiting = session.scalar(select(func.count()).where(StripeEvent.state == "received"))
        queued = session.scalar(select(func.count()).where(Mail.state == "queued"))
    if waiting or queued or books.undelivered():
        return False
    jobs = house.portal.jobs.client.list_workflows(
        name=JOBS, status=UNFINISHED, limit=1, load_input=False, load_output=False
    )
    return not jobs
