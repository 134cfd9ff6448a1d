"""A frozen file is looked at before anything is analysed or paid: checksum, content, viruses (AC-U05, AC-U06)."""

from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from app.catalog import Product
from app.intake.content.look import Passing, check_head
from app.intake.content.refusals import RefusedError, reason
from app.intake.grants import in_parts, part_size
from app.mail.service import queue_mail
from app.models import Order
from app.orders.content import looked_at
from app.orders.lifecycle import lock, move_work, record
from app.orders.records import keep
from app.orders.states import PAID
from app.portal import portal

ACTOR = "worker"
UNSCANNED = "unscanned"
"""What staff are called for: a virus scanner is there, and could not say whether the file is clean."""


@dataclass(frozen=True)
class Frozen:
    """The frozen file of an order, read in places."""

    key: str
    size: int

    def span(self, start: int, length: int) -> bytes:
        """Read `length` bytes from `start` on, fewer at the end."""
        return portal.storage.span(self.key, start, length)


@dataclass(frozen=True)
class Look:
    """What a look found: the scanner's word and the file's SHA-256, or why the file is refused (`refusals`)."""

    scan: str | None = None
    sha256: str | None = None
    refused: str | None = None
    facts: dict[str, str | int] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """Return this as plain data, for the step of a job."""
        return asdict(self)

    @classmethod
    def of(cls, plain: dict[str, Any]) -> "Look":
        """Return what `plain` gave."""
        return cls(**plain)


def look(order_id: str) -> Look:
    """Look at the content of an order's file; it is read once, piece by piece.

    Raises StorageDownError, ScannerDownError and NotScannedYetError: then it may be repeated.
    """
    with portal.database.transaction() as session:
        order = session.get(Order, order_id)
    if order is None or order.state != "uploaded":
        return Look()
    product = portal.catalog.product(order.product)
    most = product.disk_limit if product else int(Product.model_fields["disk_limit"].default)
    frozen = Frozen(f"orders/{order.id}.kaiseki", order.size or 0)
    passing = Passing(portal.storage.stream(frozen.key), order.filename, most, part_size(frozen.size))
    try:
        check_head(frozen, order.filename, most)
        scan = portal.scanner.scan(frozen.key, frozen.size, passing)
        sha256 = passing.finish()
    except RefusedError as error:
        return Look(refused=error.code, facts=error.facts)
    if scan == "infected":
        return Look(scan=scan, refused="infected")
    # What was declared, or what the store knew of the upload. The analysis reads no other file than this one.
    declared = passing.composite() if in_parts(order.declared_size) else sha256
    right = order.sha256 in {None, sha256} and order.declared_sha256 in {None, declared}
    if not right or order.size != passing.size:
        return Look(refused="damaged")
    return Look(scan=scan, sha256=sha256)


def conclude(order_id: str, found: Look) -> None:
    """Write down what a look found and start what follows; a repeated call changes nothing."""
    if found.refused is not None:
        _refuse(order_id, found, reason(found.refused, found.facts))
        return
    now = portal.clock()
    with portal.database.transaction() as session:
        order = lock(session, order_id)
        if order.state != "uploaded" or found.scan is None:
            return
        if order.scan != found.scan:
            order.scan, order.sha256 = found.scan, found.sha256
            record(session, order.id, "file.looked_at", ACTOR, now, scan=found.scan)
        if not looked_at(order):
            _call_staff(order)
            return
        if order.attention == UNSCANNED:
            order.attention = None
        if order.charge == "after_analysis" or order.money in PAID:
            portal.jobs.enqueue(session, "analysis.run", order.id)
        else:
            queue_mail(session, "choose_payment", order)


def _refuse(order_id: str, found: Look, why: dict[str, str]) -> None:
    with portal.database.transaction() as session:
        order = session.get_one(Order, order_id)
    if order.state != "uploaded":
        return
    keep(portal.storage, "analysis", order, state="rejected", reason=why)
    now = portal.clock()
    with portal.database.transaction() as session:
        order = session.get_one(Order, order_id)
        if not move_work(session, order, "rejected", ACTOR, now, reason=why, scan=found.scan):
            return
        record(session, order.id, "file.refused", ACTOR, now, why=found.refused, **found.facts)
        queue_mail(session, "cannot_analyse", order)
        if order.money in PAID:
            order.attention = order.attention or "paid_but_no_result"


def call_staff(session: Session, order_id: str) -> None:
    """Call for staff: nobody could say yet whether the file is clean; it goes on being asked about."""
    order = session.get_one(Order, order_id)
    if order.state == "uploaded" and not looked_at(order):
        _call_staff(order)


def _call_staff(order: Order) -> None:
    order.attention = order.attention or UNSCANNED
