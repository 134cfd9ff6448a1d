"""One run of a product's program on one frozen input, in a folder of its own."""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypedDict

import structlog
from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError

from app.analysis.output import BadOutputError, read_preview, read_reason, read_result
from app.catalog import Product
from app.gateways.compute import CANNOT_ANALYSE, Finished
from app.gateways.storage import NoSuchObjectError
from app.kit.failpoints import fail_point
from app.models import Order
from app.portal import portal

TYPES = {".html": "text/html; charset=utf-8", ".png": "image/png", ".csv": "text/csv; charset=utf-8"}
REPORT_EVERY_S = 1.0

log = structlog.get_logger()


class Outcome(TypedDict):
    """How a run ended, as plain data: it is checkpointed. `at` is ISO 8601 in UTC; `cause` and `log` are for staff."""

    event: Literal["analysed", "rejected", "failed"]
    at: str
    preview: dict[str, Any] | None
    reason: dict[str, str] | None
    sha256: str | None
    attention: str | None
    cause: str
    log: str


def analyse(order: Order, product: Product) -> Outcome:
    """Fetch the input, run the program, store preview and result. A repeat writes the same keys."""
    with _folder(order.id) as folder:
        source, output = folder / "input", folder / "output"
        output.mkdir()
        (folder / "tmp").mkdir()
        try:
            portal.storage.download(f"orders/{order.id}.kaiseki", source)
        except NoSuchObjectError:
            return failed("the frozen input is gone")
        with source.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        if order.sha256 not in {None, sha256}:
            return failed(f"the input has the checksum {sha256}", attention="checksum_mismatch")
        finished = portal.compute.run(
            product.command,
            {
                "INPUT": str(source),
                "OUTPUT": str(output),
                "FILENAME": order.filename,
                "LOCALE": order.locale,
                "ORDER_ID": order.id,
                "TMPDIR": str(folder / "tmp"),
            },
            time_limit=product.time_limit,
            memory_limit=product.memory_limit,
            on_progress=reporter(order.id),
        )
        try:
            return {**_judge(order.id, finished, output), "sha256": sha256}
        except BadOutputError as error:
            return failed(str(error), log=finished.log_tail)


def failed(cause: str, *, attention: str = "analysis_failed", log: str = "") -> Outcome:
    """Return the outcome of a run that is our fault or the program's, never the customer's."""
    at = portal.clock().isoformat()
    return Outcome(
        event="failed", at=at, preview=None, reason=None, sha256=None, attention=attention, cause=cause, log=log
    )


def _judge(order_id: str, finished: Finished, output: Path) -> Outcome:
    tail = finished.log_tail
    if finished.timed_out:
        return failed("out of time", log=tail)
    if finished.exit_code == CANNOT_ANALYSE:
        return {
            **failed("the program refused the file", log=tail),
            "event": "rejected",
            "attention": None,
            "reason": read_reason(output),
        }
    if finished.exit_code != 0:
        return failed(f"exit code {finished.exit_code}", log=tail)
    return {
        **failed("", log=""),
        "event": "analysed",
        "attention": None,
        "preview": _publish(order_id, output),
    }


def _publish(order_id: str, output: Path) -> dict[str, Any]:
    summary, image = read_preview(output)
    result = read_result(output)
    portal.storage.delete_all(f"results/{order_id}/run/")  # of a run that was cut off
    for name, path in sorted(result.items()):
        kind = TYPES.get(path.suffix.lower(), "application/octet-stream")
        portal.storage.upload(path, f"results/{order_id}/run/{name}", kind)
        fail_point("analysis.while_writing")
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
