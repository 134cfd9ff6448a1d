"""The job process: `python -m app.worker`. Any number may run; a dead one's work is taken over by another."""

import argparse
import logging
import os
import signal
import socket
import threading
from datetime import datetime, timedelta
from importlib import import_module
from types import FrameType

import structlog
from dbos import DBOS, DBOSClient
from flask import Flask
from sqlalchemy import delete, or_, select, update

from app import create_app
from app.events import ROOMS_WITH_EVENTS, Consumer
from app.intake.service import close_abandoned
from app.jobs import APPLICATION_VERSION, ENGINE_QUEUE, LANE_AT_ONCE, LANES_QUEUE, REGISTRY, SYSTEM_SCHEMA, Job
from app.kit.clock import system_clock
from app.kit.failpoints import fail_point
from app.models import Order, WorkerHeartbeat
from app.orders.line import queue_of, waiting_or_running
from app.portal import Portal, portal
from app.startup import must_have_refund_key
from app.webhooks.dispatch import LAST_TRIES_S, Dispatcher
from app.webhooks.queue import let_go

ROOMS_WITH_JOBS = (
    "intake",
    "orders",
    "analysis",
    "checkout",
    "delivery",
    "mail",
    "webhooks",
    "recovery",
    "privacy",
    "staff",
)
BEAT_S = 5.0
STALE = timedelta(seconds=30)
FORGET = timedelta(days=1)
KEEP_FINISHED = timedelta(days=14)
POLL_S = 0.4  # between two looks at a queue, each of which costs a millisecond or two

# Who is alive is a matter of the machine's time: the portal's clock may be moved by days.

log = structlog.get_logger()


def main() -> None:
    """Run jobs until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", default=socket.gethostname(), help="stable name of this worker")
    name = parser.parse_args().name
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    app = create_app()
    with app.app_context():
        here = portal._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001  (LocalProxy's own name for it)
    must_have_refund_key(here.settings)
    run(app, here, name, stop)
    # An analysis may take half an hour, and Python would wait for its thread. It is not lost: its program dies with
    # this process, and the job goes on from its last finished step when a worker starts.
    logging.shutdown()
    os._exit(0)


def run(app: Flask, here: Portal, wanted: str, stop: threading.Event) -> None:
    """Claim a name, resume what it left undone, work until told to stop."""
    name = claim_name(here, wanted)
    launch(app, here, name)
    events = threading.Thread(target=Dispatcher(app, here, name).run, args=(stop,), name="events", daemon=True)
    events.start()
    listen(app, here, stop)
    log.info("worker.ready", name=name)
    adopt_from = system_clock()
    while not stop.is_set():
        with app.app_context():
            adopt_from = tend(here, name, adopt_from)
        stop.wait(BEAT_S)
    log.info("worker.stopping", name=name)
    events.join(LAST_TRIES_S + 1)
    DBOS.destroy(workflow_completion_timeout_sec=10)


def listen(app: Flask, here: Portal, stop: threading.Event) -> None:
    """Take AWS's events off their queue, where there is one; what is in work when the worker stops comes again."""
    for room in ROOMS_WITH_EVENTS:
        import_module(f"app.{room}.events")
    if here.queue is not None:
        consumer = Consumer(app, here, here.queue)
        threading.Thread(target=consumer.run, args=(stop,), name="aws-events", daemon=True).start()


def tend(here: Portal, name: str, adopt_from: datetime) -> datetime:
    """Do one round of what keeps the house going; returns from when on this worker may adopt others' work.

    After a failure that is not at once: when the database was away, the heartbeats of all workers are stale, and
    those that live need a moment to say so.
    """
    try:
        beat(here, name)
        if system_clock() >= adopt_from:
            adopt(here, name)
        purge(here)
        close_abandoned()
        with here.database.transaction() as session:
            here.jobs.enqueue_due(session, here.clock())
    except Exception:
        log.exception("worker.beat_failed")
        return system_clock() + STALE
    return adopt_from


def launch(app: Flask, here: Portal, name: str) -> None:
    """Register every room's jobs and start working on the queues."""
    for room in ROOMS_WITH_JOBS:
        import_module(f"app.{room}.jobs")
    DBOS(
        config={
            "name": "kaiseki-portal",
            "system_database_engine": here.database.engine,
            "dbos_system_schema": SYSTEM_SCHEMA,
            "run_migrations": False,
            "application_version": APPLICATION_VERSION,
            "executor_id": name,
            "enable_otlp": False,
            "log_level": "WARNING",
            "notification_listener_polling_interval_sec": POLL_S,
        }
    )
    for job in REGISTRY.values():
        DBOS.workflow(name=job.name)(_in_app(app, job))
    here_at_once = here.settings.analyses_at_once
    lines = {queue_of(product): at_once for product, at_once in _products(here).items()}
    DBOS.listen_queues([LANES_QUEUE, ENGINE_QUEUE, *lines])
    DBOS.launch()
    DBOS.register_queue(LANES_QUEUE, partition_worker_concurrency=LANE_AT_ONCE, polling_interval_sec=POLL_S)
    DBOS.register_queue(ENGINE_QUEUE, worker_concurrency=here_at_once, polling_interval_sec=POLL_S)
    for queue, at_once in lines.items():
        DBOS.register_queue(queue, global_concurrency=at_once, polling_interval_sec=POLL_S)


def _products(here: Portal) -> dict[str, int]:
    """Return how many analyses of each product run at a time; also of one that is not sold any more but waited for."""
    with here.database.transaction() as session:
        waiting = session.scalars(select(Order.product).where(waiting_or_running()).distinct()).all()
    return {**dict.fromkeys(waiting, 1), **{product.key: product.at_once for product in here.catalog.products}}


def _in_app(app: Flask, job: Job):  # type: ignore[no-untyped-def]  # noqa: ANN202  (DBOS reads the plain signature)
    def run_job(subject: str) -> None:
        with app.app_context(), structlog.contextvars.bound_contextvars(job=job.name, subject=subject):
            job.run(subject)

    run_job.__qualname__ = job.name
    return run_job


def claim_name(here: Portal, wanted: str) -> str:
    """Take the first free name of `wanted-1`, `wanted-2`, ...

    A name is free when nobody holds it, when its holder was a process of this host that is gone, or when its
    heartbeat is stale. Coming back under the same name is what makes a restarted worker resume its own work at once.
    """
    host = socket.gethostname()
    for number in range(1, 1000):
        name = f"{wanted}-{number}"
        now = system_clock()
        with here.database.transaction() as session:
            row = session.get(WorkerHeartbeat, name, with_for_update=True)
            if row is None:
                session.add(WorkerHeartbeat(name=name, host=host, pid=os.getpid(), seen_at=now))
                return name
            gone = row.host == host and not _alive(row.pid)
            taken = session.execute(
                update(WorkerHeartbeat)
                .where(
                    WorkerHeartbeat.name == name,
                    WorkerHeartbeat.pid == row.pid,
                    WorkerHeartbeat.seen_at == row.seen_at,
                    or_(gone, WorkerHeartbeat.seen_at < now - STALE),  # type: ignore[arg-type]
                )
                .values(host=host, pid=os.getpid(), seen_at=now, adopted_at=None)
            )
            if taken.rowcount == 1:  # type: ignore[attr-defined]
                return name
    raise SystemExit("no free worker name")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def beat(here: Portal, name: str) -> None:
    """Say that this worker is alive, and forget names whose work was taken over a day ago."""
    now = system_clock()
    with here.database.transaction() as session:
        session.execute(
            update(WorkerHeartbeat).where(WorkerHeartbeat.name == name).values(seen_at=now, adopted_at=None)
        )
        session.execute(delete(WorkerHeartbeat).where(WorkerHeartbeat.adopted_at < now - FORGET))


def adopt(here: Portal, name: str) -> None:
    """Resume the unfinished jobs of workers whose heartbeat is stale; each is adopted by one worker at a time."""
    now = system_clock()
    with here.database.transaction() as session:
        stale = session.scalars(
            select(WorkerHeartbeat.name).where(
                WorkerHeartbeat.seen_at < now - STALE,
                or_(WorkerHeartbeat.adopted_at.is_(None), WorkerHeartbeat.adopted_at < now - STALE),
            )
        ).all()
    for dead in stale:
        with here.database.transaction() as session:
            mine = session.execute(
                update(WorkerHeartbeat)
                .where(
                    WorkerHeartbeat.name == dead,
                    WorkerHeartbeat.seen_at < now - STALE,
                    or_(WorkerHeartbeat.adopted_at.is_(None), WorkerHeartbeat.adopted_at < now - STALE),
                )
                .values(adopted_at=now)
            )
        if mine.rowcount != 1:  # type: ignore[attr-defined]
            continue
        with here.database.transaction() as session:
            let_go(session, dead, here.clock())
        client = here.jobs.client
        left = client.list_workflows(status="PENDING", executor_id=dead, load_input=False, load_output=False)
        for workflow in left:
            log.warning("worker.adopted", name=name, dead=dead, job=workflow.workflow_id)
            client.resume_workflow(workflow.workflow_id, queue_name=workflow.queue_name)


def purge(here: Portal, batch: int = 200) -> None:
    """Remove rows of jobs that ended two weeks ago, a batch at a time; failed ones are kept for staff."""
    client: DBOSClient = here.jobs.client
    before = (here.clock() - KEEP_FINISHED).isoformat()
    old = client.list_workflows(
        status="SUCCESS", completed_before=before, limit=batch, load_input=False, load_output=False
    )
    if old:
        fail_point("purge.before_delete")
        client.delete_workflows([workflow.workflow_id for workflow in old])


if __name__ == "__main__":
    main()
