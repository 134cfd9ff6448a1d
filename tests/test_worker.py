"""Jobs outlive their workers: a killed one's work is resumed by itself or by another, and is done once."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from app.database import Database
from app.jobs import APPLICATION_VERSION
from app.kit.clock import system_clock
from app.mail.service import queue_mail
from app.models import Mail, WorkerHeartbeat
from app.portal import Portal
from app.worker import KEEP_FINISHED, STALE, claim_name, purge, tend
from tests.helpers import Sandbox, free_port, make_order, wait_for
from tests.workers import kill_when_called, silent_server, worker_named

pytestmark = pytest.mark.faults


def queue(portal: Portal, email: str) -> str:
    """Queue the mail of an analysed order; return the mail's id."""
    order = make_order(portal, email=email, state="analysed", analysed_at=portal.clock())
    with portal.database.transaction() as session:
        queue_mail(session, "choose_payment", session.merge(order))
        session.flush()
        mail_id = session.scalar(select(Mail.id).where(Mail.order_id == order.id))
    assert mail_id is not None
    return mail_id


def kill_while_sending(portal: Portal, name: str, environment: dict[str, str], folder: Path, email: str) -> str:
    """Start a worker that hangs in sending a mail, and kill it with -9 there; return the mail's id."""
    with (
        silent_server() as (address, server),
        worker_named(name, {**environment, "SMTP_URL": f"smtp://{address}"}, folder) as child,
    ):
        mail_id = queue(portal, email)
        kill_when_called(child, server)
    return mail_id


def test_a_job_exists_if_and_only_if_its_transaction_commits(portal: Portal, email: str) -> None:
    order = make_order(portal, email=email, state="analysed")

    def enqueue_and_fail() -> None:
        with portal.database.transaction() as session:
            portal.jobs.enqueue(session, "analysis.run", order.id)
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        enqueue_and_fail()
    assert portal.jobs.client.list_workflows(workflow_ids=[f"analysis.run:{order.id}"]) == []


def test_the_same_key_is_the_same_job(portal: Portal, email: str) -> None:
    order = make_order(portal, email=email)
    for _ in range(3):
        with portal.database.transaction() as session:
            portal.jobs.enqueue(session, "delivery.build", order.id)
    jobs = portal.jobs.client.list_workflows(workflow_ids=[f"delivery.build:{order.id}"])
    assert [job.app_version for job in jobs] == [APPLICATION_VERSION]


def test_a_worker_that_comes_back_resumes_its_own_work(
    own_house: tuple[Portal, dict[str, str]], sandbox: Sandbox, folder: Path, email: str
) -> None:
    portal, environment = own_house
    mail_id = kill_while_sending(portal, "phoenix", environment, folder, email)
    with worker_named("phoenix", environment, folder):
        wait_for(lambda: len(sandbox.mails(email)) == 1, 30, "the mail")
        wait_for(lambda: _state(portal, mail_id) == "sent", 40, "the mail's row")
        wait_for(lambda: _jobs(portal, mail_id) == ["SUCCESS"], 40, "the job's end")
    assert len(sandbox.mails(email)) == 1
    purge(portal)
    assert _jobs(portal, mail_id) == ["SUCCESS"]
    purge(replace(portal, clock=lambda: system_clock() + KEEP_FINISHED + timedelta(minutes=1)))
    assert _jobs(portal, mail_id) == []


def test_a_dead_workers_work_is_taken_over(
    own_house: tuple[Portal, dict[str, str]], sandbox: Sandbox, folder: Path, email: str
) -> None:
    portal, environment = own_house
    mail_id = kill_while_sending(portal, "lost", environment, folder, email)
    with portal.database.transaction() as session:
        session.execute(
            update(WorkerHeartbeat)
            .where(WorkerHeartbeat.name == "lost-1")
            .values(seen_at=portal.clock() - timedelta(minutes=5), host="elsewhere")
        )
    with worker_named("heir", environment, folder):
        wait_for(lambda: len(sandbox.mails(email)) == 1, 60, "the mail")
        wait_for(lambda: _state(portal, mail_id) == "sent", 40, "the mail's row")
    assert len(sandbox.mails(email)) == 1


def test_after_the_database_was_away_nobody_is_adopted_at_once(own_house: tuple[Portal, dict[str, str]]) -> None:
    portal, _ = own_house
    now = portal.clock()
    silent = WorkerHeartbeat(name="silent-1", host="elsewhere", pid=1, seen_at=now - timedelta(minutes=5))
    with portal.database.transaction() as session:
        session.add(silent)
    nowhere = Database(f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/none")
    later = tend(replace(portal, database=nowhere), "me-1", now)
    assert later >= now + STALE
    assert tend(portal, "me-1", later) == later
    assert _adopted(portal) is None
    assert tend(portal, "me-1", now) == now
    assert _adopted(portal) is not None


def _adopted(portal: Portal) -> datetime | None:
    with portal.database.transaction() as session:
        return session.get_one(WorkerHeartbeat, "silent-1").adopted_at


def test_two_workers_never_share_a_name(portal: Portal) -> None:
    first = claim_name(portal, f"twin-{portal.clock().timestamp()}")
    second = claim_name(portal, first.removesuffix("-1"))
    assert first != second


def _jobs(portal: Portal, mail_id: str) -> list[str]:
    return [job.status for job in portal.jobs.client.list_workflows(workflow_ids=[f"mail.send:{mail_id}"])]


def _state(portal: Portal, mail_id: str) -> str:
    with portal.database.transaction() as session:
        return session.get_one(Mail, mail_id).state
