"""Runs are recorded, stopped, and begun anew; what they wrote is for staff alone."""

import io
import json
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app.analysis import runs
from app.analysis.again import CantRunError, CantStopError, cancel, run_again
from app.analysis.program import ATTEMPTS
from app.analysis.service import finish, run_program, start
from app.errors import StorageDownError
from app.gateways.compute import Finished, Work
from app.models import Mail, Order, Run
from app.portal import EXTENSION, Portal
from app.privacy.export import export
from tests.analysis_room.conftest import name_of_run
from tests.helpers import reload, wait_for

Arrived = Callable[..., Order]


def runs_of(shop: Portal, order: Order) -> list[Run]:
    """Return the runs of an order, oldest first."""
    with shop.database.transaction() as session:
        return list(session.scalars(select(Run).where(Run.order_id == order.id).order_by(Run.started_at, Run.id)))


def analyse(order: Order) -> None:
    """Run the three steps of the job."""
    assert start(order.id)
    finish(order.id, run_program(order.id))


class Told:
    """An engine that ends as it is told, once for each word."""

    name = "told"
    outlives_worker = False

    def __init__(self, *ends: str) -> None:
        self._ends = iter(ends)
        self.works: list[Work] = []
        self.cleared: list[str] = []

    def run(self, work: Work) -> Finished:
        """End as told."""
        self.works.append(work)
        end = next(self._ends)
        if end == "storage_down":
            raise StorageDownError
        return Finished(end, log_tail="first\nthe machine was taken away")  # type: ignore[arg-type]

    def clear(self, run_id: str) -> None:
        """Note that it may forget a run."""
        self.cleared.append(run_id)

    def check(self) -> list[tuple[str, str]]:
        """Say nothing."""
        return []


@pytest.fixture
def told(moody: Flask, shop: Portal) -> Iterator[Callable[..., Told]]:
    """Return a function that gives the shop an engine that ends as it is told."""

    def put(*ends: str) -> Told:
        engine = Told(*ends)
        moody.extensions[EXTENSION] = replace(shop, compute=engine)  # type: ignore[arg-type]
        return engine

    yield put
    moody.extensions[EXTENSION] = shop


def test_a_run_says_what_ran_and_how_it_ended(shop: Portal, arrived: Arrived) -> None:
    order = arrived("refuse")
    analyse(order)
    [run] = runs_of(shop, order)
    assert (run.engine, run.outcome, run.exit_code) == ("local", "rejected", 65)
    assert run.program.endswith("program.py refuse")
    assert run.cause == "the program refused the file"
    assert run.log is not None
    assert "looked at 3 bytes" in run.log
    assert run.ended_at is not None
    assert run.started_at <= run.ended_at
    assert (run.peak_memory or 0) > 1024**2
    assert run.task is None


def test_what_a_run_wrote_is_not_the_customers(shop: Portal, arrived: Arrived, email: str) -> None:
    order = arrived("refuse")
    analyse(order)
    with zipfile.ZipFile(io.BytesIO(b"".join(export(email)))) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert order.id in texts["orders.json"]
    assert not any("looked at 3 bytes" in text for text in texts.values())


def test_an_interrupted_run_is_followed_by_another(shop: Portal, arrived: Arrived, told: Callable[..., Told]) -> None:
    engine = told("interrupted", "interrupted", "timed_out")
    order = arrived("good")
    analyse(order)
    assert [(run.outcome, run.cause) for run in runs_of(shop, order)] == [
        ("interrupted", "the machine was taken away"),
        ("interrupted", "the machine was taken away"),
        ("failed", "out of time"),
    ]
    assert [work.attempt for work in engine.works] == [1, 2, 3]
    assert len(set(engine.cleared)) == 3
    assert engine.cleared == [work.run_id for work in engine.works]


def test_what_is_always_interrupted_fails_in_the_end(shop: Portal, arrived: Arrived, told: Callable[..., Told]) -> None:
    told(*["interrupted"] * ATTEMPTS)
    order = arrived("good")
    analyse(order)
    assert reload(shop, order).state == "failed"
    assert [run.outcome for run in runs_of(shop, order)] == [*["interrupted"] * ATTEMPTS, "failed"]


def test_an_outage_is_no_attempt(shop: Portal, arrived: Arrived, told: Callable[..., Told]) -> None:
    engine = told(*["storage_down"] * (ATTEMPTS + 1), "timed_out")
    order = arrived("good")
    for _ in range(ATTEMPTS + 1):
        with pytest.raises(StorageDownError):
            run_program(order.id)
    run_program(order.id)
    assert {work.attempt for work in engine.works} == {1}
    assert [run.cause for run in runs_of(shop, order)] == [*["storage_down"] * (ATTEMPTS + 1), "out of time"]


def test_a_run_elsewhere_is_waited_for_by_the_next_worker(
    shop: Portal, arrived: Arrived, told: Callable[..., Told]
) -> None:
    engine = told("storage_down", "timed_out")
    engine.outlives_worker = True
    order = arrived("good")
    with pytest.raises(StorageDownError):
        run_program(order.id)
    engine.works[0].on_task("arn:of-the-task")
    run_program(order.id)
    assert [work.begun for work in engine.works] == [None, "arn:of-the-task"]
    assert engine.works[0].run_id == engine.works[1].run_id
    [run] = runs_of(shop, order)
    assert (run.task, run.outcome) == ("arn:of-the-task", "failed")
    with shop.database.transaction() as session:
        session.get_one(Run, run.id).task_state = "STOPPED"
    assert engine.works[1].task_ended()


def test_a_running_analysis_is_stopped(moody: Flask, shop: Portal, arrived: Arrived, email: str) -> None:
    order = arrived("pause")
    assert start(order.id)
    outcomes = []

    def work() -> None:
        with moody.app_context():
            outcomes.append(run_program(order.id))

    thread = threading.Thread(target=work)
    thread.start()
    wait_for(lambda: name_of_run(order), 40, "the program")
    with shop.database.transaction() as session:
        assert cancel(session, order.id, "shell") == "analysing"
        assert cancel(session, order.id, "shell") == "analysing"
    thread.join(20)
    finish(order.id, outcomes[0])
    done = reload(shop, order)
    assert (done.state, done.attention, done.reason) == ("cancelled", None, None)
    assert [run.outcome for run in runs_of(shop, order)] == ["cancelled"]
    with shop.database.transaction() as session:
        assert session.scalars(select(Mail.kind).where(Mail.order_id == order.id)).all() == []
        run_again(session, order.id, "shell")
    again = reload(shop, order)
    assert (again.state, again.cancel_asked_at) == ("uploaded", None)


def test_an_analysis_in_the_line_is_stopped_at_once(shop: Portal, arrived: Arrived) -> None:
    order = arrived("good", money="paid", charge="before_analysis")
    with shop.database.transaction() as session:
        assert cancel(session, order.id, "shell") == "cancelled"
    assert not start(order.id)
    assert reload(shop, order).attention == "paid_but_no_result"
    with shop.database.transaction() as session, pytest.raises(CantStopError):
        cancel(session, order.id, "shell")


@pytest.mark.parametrize("mood", ["crash", "refuse"])
def test_again_puts_it_back_into_the_line(shop: Portal, arrived: Arrived, mood: str) -> None:
    order = arrived(mood)
    analyse(order)
    with shop.database.transaction() as session:
        run_again(session, order.id, "shell")
    again = reload(shop, order)
    assert (again.state, again.attention, again.reason, again.progress) == ("uploaded", None, None, 0)
    jobs = shop.jobs.client.list_workflows(workflow_id_prefix=f"analysis.run:{order.id}:")
    assert [(job.queue_name, job.status) for job in jobs] == [(f"analysis.test-{mood}", "ENQUEUED")]


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"state": "abandoned"}, "it is abandoned"),
        ({"state": "rejected", "scan": "infected"}, "infected"),
        ({"state": "failed", "charge": "before_analysis"}, "not paid"),
    ],
)
def test_what_can_not_be_analysed_again(shop: Portal, arrived: Arrived, columns: dict[str, str], why: str) -> None:
    order = arrived("good")
    with shop.database.transaction() as session:
        for name, value in columns.items():
            setattr(session.get_one(Order, order.id), name, value)
    with shop.database.transaction() as session, pytest.raises(CantRunError, match=why):
        run_again(session, order.id, "shell")


def test_a_file_that_is_deleted_is_not_analysed_again(shop: Portal, arrived: Arrived) -> None:
    order = arrived("crash")
    analyse(order)
    with shop.database.transaction() as session:
        session.get_one(Order, order.id).input_gone_at = shop.clock() - timedelta(days=1)
    with shop.database.transaction() as session, pytest.raises(CantRunError, match="deleted"):
        run_again(session, order.id, "shell")


def test_from_the_shell(moody: Flask, shop: Portal, arrived: Arrived) -> None:
    order = arrived("good")
    cli = moody.test_cli_runner()

    def say(*words: str) -> tuple[int, str]:
        result = cli.invoke(args=["portal", "analysis", *words])
        return result.exit_code, result.output

    assert say("cancel", order.id) == (0, f"order {order.id} is cancelled\n")
    assert say("cancel", order.id)[0] == 1
    assert say("again", order.id) == (0, f"order {order.id} is in the line again\n")
    assert say("again", order.id) == (1, f"Error: order {order.id} can't be analysed again: it is uploaded\n")
    assert say("cancel", "no-such-order") == (1, "Error: no order no-such-order here\n")
    assert start(order.id)
    code, text = say("cancel", order.id)
    assert (code, "is being stopped" in text) == (0, True)
    assert runs.cancel_asked(order.id)


def test_a_person_who_is_forgotten_leaves_no_result(shop: Portal, arrived: Arrived) -> None:
    """The customer's wish came while the program ran: what it made goes as well, and the order ends cancelled."""
    order = arrived("good")
    assert start(order.id)
    with shop.database.transaction() as session:
        row = session.get_one(Order, order.id)
        row.erased_at = row.input_gone_at = row.result_gone_at = shop.clock()
    outcome = run_program(order.id)
    finish(order.id, outcome)
    done = reload(shop, order)
    assert (done.state, done.preview) == ("cancelled", None)
    assert shop.jobs.client.list_workflows(workflow_id_prefix=f"privacy.files:{order.id}:")
    names = [key for key, _ in shop.storage.list(f"previews/{order.id}/")]
    assert f"previews/{order.id}/analysis.json" not in names
    json.dumps(outcome)
