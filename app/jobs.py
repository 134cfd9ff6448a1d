"""Durable jobs on DBOS, in the portal's own database.

A room declares its jobs in `<room>/jobs.py` with `@job`; anybody enqueues one by name inside the transaction of the
change that causes it, so the job exists if and only if the change does. The job's id is its idempotency key: the
same id again is the same job.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import structlog
from dbos import DBOS, DBOSClient, StepOptions, error
from sqlalchemy import Engine
from sqlalchemy.orm import Session

# Raised only when the steps of a job change incompatibly: a worker resumes only jobs of its own version.
APPLICATION_VERSION = "1"
SYSTEM_SCHEMA = "dbos"

# One queue for all jobs but analyses, as every queue costs looks at the database; its lanes (DBOS: partitions) keep
# them apart, so that a login never waits for deliveries (decision 019). One worker runs so many jobs of each lane.
LANES_QUEUE = "lanes"
LANE_AT_ONCE = 4
# Where analyses run; ANALYSES_AT_ONCE says how many. They get here from the lines of their products (decision 018).
ENGINE_QUEUE = "engine"

LOOK_S = 0.5  # between two looks at a job that is waited for

T = TypeVar("T")
log = structlog.get_logger()

StepFailedError = error.DBOSMaxStepRetriesExceeded
"""Raised by `step` when every try has failed."""


@dataclass(frozen=True)
class Job:
    """A job as its room declares it."""

    name: str
    run: Callable[[str], None]


@dataclass(frozen=True)
class Place:
    """Where a job waits: its queue, its lane in it, its priority (the smaller comes first; 0 before all others)."""

    queue: str
    priority: int = 0
    lane: str | None = None


PlaceOf = Callable[[Session, str], Place]

REGISTRY: dict[str, Job] = {}


def _lane(name: str) -> Place:
    return Place(LANES_QUEUE, lane=name)


JOB_PLACES = {
    "intake.confirm": _lane("intake"),
    "intake.inspect": _lane("intake"),
    "intake.sweep": _lane("upkeep"),
    "orders.record": _lane("upkeep"),
    "analysis.work": Place(ENGINE_QUEUE),
    "analysis.work_anew": Place(ENGINE_QUEUE),
    "delivery.build": _lane("delivery"),
    "delivery.rebuild": _lane("delivery"),
    "delivery.notice": _lane("upkeep"),
    "mail.send": _lane("mail"),
    "mail.login": _lane("login"),
    "payments.refund": _lane("stripe"),
    "payments.staff_refund": _lane("stripe"),
    "payments.remind": _lane("upkeep"),
    "payments.fees": _lane("upkeep"),
    "payments.reconcile": _lane("upkeep"),
    "ledger.compare": _lane("upkeep"),
    "events.missed": _lane("upkeep"),
    "privacy.retention": _lane("upkeep"),
    "privacy.files": _lane("upkeep"),
    "privacy.erase": _lane("privacy"),
    "staff.log_check": _lane("upkeep"),
    "staff.view_over": _lane("upkeep"),
}
"""Where every job waits, so that a room can enqueue the next room's job without importing it.

`analysis.run` and `analysis.renew` are not here: they wait in the line of their order's product (app.orders.line).
"""

SCHEDULE: dict[str, timedelta] = {}
"""Jobs that run by themselves and how often. Each gets the moment it is for as its id (ISO 8601, UTC)."""


def job(name: str) -> Callable[[Callable[[str], None]], Callable[[str], None]]:
    """Declare a function that takes one id as the job of this name; its outside work belongs into `step`."""

    def declare(function: Callable[[str], None]) -> Callable[[str], None]:
        REGISTRY[name] = Job(name, function)
        return function

    return declare


def step(function: Callable[[], T], *, name: str, attempts: int = 6, first_wait: float = 1.0) -> T:
    """Run a step of a job: its result is checkpointed, a failure is retried with growing waits (doubling).

    A worker killed inside a step runs that step again, so a step must be safe to repeat by its own key. The waits of
    six attempts from one second add up to about half a minute. The result must be plain data.
    """
    options = StepOptions(
        name=name,
        retries_allowed=attempts > 1,
        max_attempts=attempts,
        interval_seconds=first_wait,
        backoff_rate=2.0,
    )
    return DBOS.run_step(options, function)


def interval_begun(name: str, now: datetime) -> str:
    """Return the beginning of the interval of a scheduled job that `now` lies in: what such a job gets as its id."""
    every = SCHEDULE[name].total_seconds()
    return datetime.fromtimestamp(now.timestamp() // every * every, UTC).isoformat()


def next_key() -> str:
    """Return the key under which the job that runs here enqueues itself once more: the same at every try of it."""
    return f"{DBOS.workflow_id}+"


def times_before() -> int:
    """Return how often the job that runs here has enqueued itself once more (`next_key`) until now."""
    return str(DBOS.workflow_id).count("+")


class JobQueue:
    """What web processes and jobs use to enqueue."""

    def __init__(self, engine: Engine, places: Mapping[str, PlaceOf]) -> None:
        """Take the portal's own engine; the tables are made by `alembic upgrade head`.

        `places`: by the names of jobs that are not in JOB_PLACES, what works their place out.
        """
        self._engine = engine
        self._places = places
        self._client: DBOSClient | None = None
        self._enqueued: dict[str, str] = {}

    @property
    def client(self) -> DBOSClient:
        """The DBOS client, opened when first needed (it looks at the database)."""
        if self._client is None:
            self._client = DBOSClient(
                system_database_engine=self._engine,
                dbos_system_schema=SYSTEM_SCHEMA,
            )
        return self._client

    def enqueue(
        self, session: Session, name: str, subject: str, *, key: str | None = None, delay: timedelta | None = None
    ) -> None:
        """Enqueue a job for an id inside the session's transaction, to run at once or after `delay`.

        `key` (default: name and subject) is the idempotency key.
        """
        session.flush()
        place = self._places[name](session, subject) if name in self._places else JOB_PLACES[name]
        self._enqueue(session, name, subject, place, key=key, delay=delay)

    def hand_on(self, name: str, subject: str) -> None:
        """Have another job run, with the priority of the one that runs here, and wait until it has ended."""
        status = DBOS.get_workflow_status(str(DBOS.workflow_id))
        place = replace(JOB_PLACES[name], priority=(status and status.priority) or 0)
        key = f"{name}:{DBOS.workflow_id}"

        def enqueue() -> None:
            with Session(self._engine) as session, session.begin():
                self._enqueue(session, name, subject, place, key=key)

        step(enqueue, name="hand_on")
        DBOS.retrieve_workflow(key, existing_workflow=False).get_result(polling_interval_sec=LOOK_S)

    def _enqueue(
        self,
        session: Session,
        name: str,
        subject: str,
        place: Place,
        *,
        key: str | None = None,
        delay: timedelta | None = None,
    ) -> None:
        options: dict[str, Any] = {
            "workflow_name": name,
            "queue_name": place.queue,
            **({"queue_partition_key": place.lane} if place.lane else {}),
            **({"priority": place.priority} if place.priority else {}),
            "workflow_id": key or f"{name}:{subject}",
            "app_version": APPLICATION_VERSION,
            **({"delay_seconds": delay.total_seconds()} if delay else {}),
        }
        self.client.enqueue_in_transaction(session, options, subject)  # type: ignore[arg-type]

    def enqueue_due(self, session: Session, now: datetime) -> None:
        """Enqueue every job of SCHEDULE for the interval that `now` lies in; once an interval, whoever asks."""
        for name in SCHEDULE:
            begun = interval_begun(name, now)
            if self._enqueued.get(name) != begun:
                self.enqueue(session, name, begun)
                self._enqueued[name] = begun
