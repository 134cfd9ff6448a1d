"""A product's program on one frozen input: run, judged, and what it made stored."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypedDict

import structlog
from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError

from app.analysis import runs
from app.analysis.output import BadOutputError, read_preview, read_reason, read_result
from app.catalog import Product
from app.errors import OutsideError
from app.gateways.compute import CANNOT_ANALYSE, Finished, Work
from app.kit.failpoints import fail_point
from app.models import Order, Run
from app.portal import portal

TYPES = {".html": "text/html; charset=utf-8", ".png": "image/png", ".csv": "text/csv; charset=utf-8"}
REPORT_EVERY_S = 1.0
ATTEMPTS = 4  # of a run that is interrupted again and again

log = structlog.get_logger()


class Outcome(TypedDict):
    """How an analysis ended, as plain data: it is checkpointed. `at` is ISO 8601 in UTC, `cause` is for staff."""

    event: Literal["analysed", "rejected", "failed", "cancelled"]
    at: str
    preview: dict[str, Any] | None
    reason: dict[str, str] | None
    sha256: str | None
    attention: str | None
    cause: str


CAUSES = {
    "timed_out": "out of time",
    "out_of_memory": "out of memory",
    "out_of_disk": "wrote more than disk_limit",
    "too_many_processes": "too many processes",
    "input_gone": "the frozen input is gone",
}


def analyse(order: Order, product: Product) -> Outcome:
    """Run the program until it is not interrupted, store preview and result. A repeat writes the same keys."""
    while True:
        run, attempt = runs.begin(order, product)
        if attempt > ATTEMPTS:
            runs.end(run, "failed", cause := f"interrupted {ATTEMPTS} times")
            return ended("failed", cause)
        if runs.cancel_asked(order.id) and run.task is None:
            runs.end(run, "cancelled", cause := "before it ran")
            return ended("cancelled", cause)
        outcome = _one_run(order, product, run, attempt)
        if outcome is not None:
            return outcome


def _one_run(order: Order, product: Product, run: Run, attempt: int) -> Outcome | None:
    """Run the program once; returns None where the run was interrupted. Raises OutsideError."""
    with _folder(order.id) as folder:
        work = Work(
            run_id=run.id,
            order_id=order.id,
            command=product.command,
            task=product.task,
            source=f"orders/{order.id}.kaiseki",
            output=folder / "output",
            environment={"FILENAME": order.filename, "LOCALE": order.locale, "ORDER_ID": order.id},
            time_limit=product.time_limit,
            memory_limit=product.memory_limit,
            disk_limit=product.disk_limit,
            on_progress=reporter(order.id),
            should_stop=lambda: runs.cancel_asked(order.id),
            on_task=runs.task_noter(run),
            task_ended=lambda: runs.task_ended(run),
            begun=run.task,
            attempt=attempt,
        )
        work.output.mkdir()
        try:
            finished = portal.compute.run(work)
            if finished.ended == "interrupted":
                runs.end(run, "interrupted", finished.log_tail.rpartition("\n")[2], finished)
                portal.compute.clear(run.id)
                return None
            outcome = _judge(order, finished, work.output)
        except OutsideError as error:
            if not portal.compute.outlives_worker:
                runs.end(run, "interrupted", error.code)
            raise
    runs.end(run, outcome["event"], outcome["cause"], finished)
    portal.compute.clear(run.id)
    return outcome


def ended(
    event: Literal["rejected", "failed", "cancelled"], cause: str, *, attention: str = "analysis_failed"
) -> Outcome:
    """Return the outcome of an analysis that made nothing; attention is for those that failed."""
    return Outcome(
        event=event,
        at=portal.clock().isoformat(),
        preview=None,
        reason=None,
        sha256=None,
        attention=attention if event == "failed" else None,
        cause=cause,
    )


def columns_of(outcome: Outcome) -> dict[str, Any]:
    """Return what a run's end says about its order."""
    if outcome["event"] != "analysed":
        return {"reason": outcome["reason"]}
    return {
        "preview": outcome["preview"],
        "sha256": outcome["sha256"],
        "progress": 100,
        "analysed_at": datetime.fromisoformat(outcome["at"]),
    }


def _judge(order: Order, finished: Finished, output: Path) -> Outcome:
    if finished.ended == "cancelled":
        return ended("cancelled", "on request")
    if finished.ended != "exited":
        return ended("failed", CAUSES[finished.ended])
    if order.sha256 not in {None, finished.input_sha256}:
        cause = f"the input has the checksum {finished.input_sha256}"
        return ended("failed", cause, attention="checksum_mismatch")
    try:
        return {**_verdict(order, finished, output), "sha256": finished.input_sha256}
    except BadOutputError as error:
        return ended("failed", str(error))


def _verdict(order: Order, finished: Finished, output: Path) -> Outcome:
    if finished.exit_code == CANNOT_ANALYSE:
        return {**ended("rejected", "the program refused the file"), "reason": read_reason(output)}
    if finished.exit_code != 0:
        return ended("failed", f"exit code {finished.exit_code}")
    return {**ended("rejected", ""), "event": "analysed", "preview": _publish(order.id, output)}


def _publish(order_id: str, output: Path) -> dict[str, Any]:
    summary, image = read_preview(output)
    result = read_result(output)
    prefix = f"results/{order_id}/run/"
    for name, path in sorted(result.items()):
        kind = TYPES.get(path.suffix.lower(), "application/octet-stream")
        portal.storage.upload(path, prefix + name, kind)
        fail_point("analysis.while_writing")
    # What is left of a run that was cut off, or of the result till now. Last, so that a result that is there is whole
    # whatever breaks off: it may be paid, and delivered, meanwhile.
    portal.storage.delete_all(prefix, but={prefix + name for name in result})
    portal.storage.upload(image, f"previews/{order_id}/{image.name}", "image/png")
    return summary


def reporter(order_id: str) -> Callable[[int], None]:
    """Return a function that stores progress for the order's page, at most once a second."""
    last = -REPORT_EVERY_S

    def report(percent: int) -> None:
        nonlocal last
        if time.monotonic() - last < REPORT_EVERY_S:
            return
        last = time.monotonic()
        try:
            with portal.database.transaction() as session:
                session.execute(
                    update(Order).where(Order.id == order_id, Order.state == "analysing").values(progress=percent)
                )
        except SQLAlchemyError:
            log.warning("analysis.progress_not_stored", order=order_id, exc_info=True)

    return report


@contextmanager
def _folder(order_id: str) -> Iterator[Path]:
    """Give an empty folder; what a killed worker left behind of this order is removed first."""
    room = Path(tempfile.gettempdir())
    for left in room.glob(f"analysis-{order_id}-*"):
        if not Path("/proc", left.name.rsplit("-", 1)[-1]).exists():
            shutil.rmtree(left, ignore_errors=True)
    folder = room / f"analysis-{order_id}-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
