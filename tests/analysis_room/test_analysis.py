"""An analysis from start to finish: every way a run can end, with real programs and a real object store."""

import hashlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from app.analysis.again import run_again
from app.analysis.program import reporter
from app.analysis.service import finish, run_program, start
from app.models import AuditEntry, Mail, Order, Run
from app.portal import Portal
from tests.analysis_room.conftest import CSV
from tests.analysis_room.program import PNG, SUMMARY
from tests.helpers import reload

Arrived = Callable[..., Order]


def analyse(shop: Portal, order: Order) -> Order:
    """Run the three steps of the job; return the order as it is then."""
    assert start(order.id)
    outcome = run_program(order.id)
    json.dumps(outcome)  # plain data: it is checkpointed
    finish(order.id, outcome)
    assert list(Path(tempfile.gettempdir()).glob(f"analysis-{order.id}-*")) == []
    return reload(shop, order)


def mails(shop: Portal, order: Order) -> list[str]:
    """Return the kinds of mail queued for an order."""
    with shop.database.transaction() as session:
        return list(session.scalars(select(Mail.kind).where(Mail.order_id == order.id)))


def notes(shop: Portal, order: Order) -> str:
    """Return what staff read of a run."""
    with shop.database.transaction() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.order_id == order.id))
        runs = session.scalars(select(Run).where(Run.order_id == order.id))
        data = [e.data for e in entries if e.kind.startswith("analysis.")]
        return json.dumps([*data, *((run.cause, run.log) for run in runs)], ensure_ascii=False)


def test_a_good_run_offers_the_result(shop: Portal, arrived: Arrived) -> None:
    done = analyse(shop, arrived("good", locale="en"))
    assert (done.state, done.progress, done.attention, done.reason) == ("analysed", 100, None, None)
    assert done.preview == SUMMARY
    assert done.analysed_at is not None
    assert done.sha256 == hashlib.sha256(CSV).hexdigest()
    assert mails(shop, done) == ["choose_payment"]
    assert shop.storage.get(f"previews/{done.id}/plot.png") == PNG
    run = f"results/{done.id}/run"
    assert dict(shop.storage.list(run)).keys() == {
        f"{run}/report.html",
        f"{run}/tables/odd.exe",
        f"{run}/tables/rows.csv",
    }
    given = json.loads(shop.storage.get(f"{run}/report.html"))
    assert given == {"FILENAME": "売上.csv", "LOCALE": "en", "ORDER_ID": done.id}
    assert shop.storage.get(f"{run}/tables/rows.csv") == CSV


def test_ac_u12_the_types_are_ours(shop: Portal, arrived: Arrived) -> None:
    """Stored types come from our list; what is not on it is only bytes."""
    done = analyse(shop, arrived("good"))

    def kind(key: str) -> str:
        return str(shop.storage._s3.head_object(Bucket=shop.storage.bucket, Key=key)["ContentType"])  # noqa: SLF001

    assert kind(f"previews/{done.id}/plot.png") == "image/png"
    assert kind(f"results/{done.id}/run/report.html") == "text/html; charset=utf-8"
    assert kind(f"results/{done.id}/run/tables/odd.exe") == "application/octet-stream"


def test_every_step_may_be_repeated(shop: Portal, arrived: Arrived) -> None:
    order = arrived("good")
    assert start(order.id)
    assert start(order.id)
    shop.storage.put(f"results/{order.id}/run/left-over.csv", b"of a run that was cut off", "text/csv")
    first = run_program(order.id)
    assert {**run_program(order.id), "at": first["at"]} == first
    finish(order.id, first)
    finish(order.id, first)
    assert not start(order.id)
    assert mails(shop, order) == ["choose_payment"]
    assert not any("left-over" in key for key, _ in shop.storage.list(f"results/{order.id}/"))


def test_a_paid_order_is_delivered_without_another_mail(shop: Portal, arrived: Arrived) -> None:
    done = analyse(shop, arrived("good", charge="before_analysis", money="paid"))
    assert done.state == "analysed"
    assert mails(shop, done) == []
    assert shop.jobs.client.list_workflows(workflow_ids=[f"delivery.build:{done.id}"])


def test_a_file_that_is_no_table_costs_nothing(shop: Portal, arrived: Arrived) -> None:
    done = analyse(shop, arrived("refuse"))
    assert (done.state, done.money, done.attention) == ("rejected", "unpaid", None)
    assert done.reason == {"ja": "表ではありません。", "en": "This is no table."}
    assert mails(shop, done) == ["cannot_analyse"]
    assert "looked at 3 bytes" in notes(shop, done)
    assert list(shop.storage.list(f"results/{done.id}")) == []


def test_a_paid_file_that_is_no_table_needs_a_person(shop: Portal, arrived: Arrived) -> None:
    done = analyse(shop, arrived("refuse", money="paid", charge="before_analysis"))
    assert (done.state, done.attention) == ("rejected", "paid_but_no_result")


@pytest.mark.parametrize(
    ("mood", "note"),
    [
        ("crash", "the program's own fault"),
        ("sleep", "out of time"),
        ("hungry", "MemoryError"),
        ("no-preview", "preview/: missing"),
        ("no-result", "result/: missing"),
        ("link", "result/'passwd': not a plain file"),
        ("folder-link", "result/: missing"),
        ("pipe", "result/'pipe': not a plain file"),
        ("name", "not a plain file with a plain name"),
        ("escape", "('image',)"),
        ("no-png", "not a PNG image"),
        ("more-keys", "('html',)"),
        ("huge-summary", "summary.json: missing or too large"),
        ("long-text", "('alt', 'ja')"),
        ("many-files", "more than 1000 files"),
        ("no-reason", "reason.json: missing"),
    ],
)
def test_a_program_that_fails_is_our_fault(shop: Portal, arrived: Arrived, mood: str, note: str) -> None:
    done = analyse(shop, arrived(mood))
    assert (done.state, done.attention, done.preview) == ("failed", "analysis_failed", None)
    assert mails(shop, done) == ["analysis_failed"]
    assert note in notes(shop, done)
    assert list(shop.storage.list(f"results/{done.id}")) == []
    assert [key for key, _ in shop.storage.list(f"previews/{done.id}")] == [f"previews/{done.id}/analysis.json"]


def test_a_failed_order_can_be_started_again(shop: Portal, arrived: Arrived) -> None:
    order = analyse(shop, arrived("crash"))
    with shop.database.transaction() as session:
        session.get_one(Order, order.id).product = "test-good"
        run_again(session, order.id, "shell")
    assert analyse(shop, order).state == "analysed"


def test_ac_u04_an_input_with_another_checksum_is_not_analysed(shop: Portal, arrived: Arrived) -> None:
    """The worker compares the checksum of what was analysed before it stores anything."""
    done = analyse(shop, arrived("good", sha256="0" * 64))
    assert (done.state, done.attention) == ("failed", "checksum_mismatch")
    assert list(shop.storage.list(f"results/{done.id}")) == []


def test_an_input_that_is_gone_is_said(shop: Portal, arrived: Arrived) -> None:
    order = arrived("good")
    shop.storage.delete(f"orders/{order.id}.kaiseki")
    assert analyse(shop, order).state == "failed"
    assert "gone" in notes(shop, order)


def test_a_product_that_is_not_sold_any_more_is_said(shop: Portal, arrived: Arrived) -> None:
    done = analyse(shop, arrived("unknown"))
    assert (done.state, done.attention) == ("failed", "analysis_failed")


def test_nothing_starts_before_the_file_is_there(shop: Portal, arrived: Arrived) -> None:
    order = arrived("good")
    with shop.database.transaction() as session:
        session.get_one(Order, order.id).state = "waiting"
    assert not start(order.id)
    assert not start("no-such-order")


def test_what_a_killed_worker_left_on_the_disk_is_removed(shop: Portal, arrived: Arrived) -> None:
    order = arrived("good")
    left = Path(tempfile.gettempdir()) / f"analysis-{order.id}-{2**22 + 1}"  # above the largest process id
    left.mkdir()
    (left / "input").write_bytes(CSV)
    analyse(shop, order)
    assert not left.exists()


def test_progress_is_stored_at_most_once_a_second_and_only_while_analysing(shop: Portal, arrived: Arrived) -> None:
    order = arrived("good")
    reporter(order.id)(20)
    assert reload(shop, order).progress == 0
    assert start(order.id)
    report = reporter(order.id)
    report(40)
    report(50)
    assert reload(shop, order).progress == 40
