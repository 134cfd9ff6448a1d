"""Objects that belong to no order: left by a restored database, or by whatever died at the wrong moment (AC-U08).

An order that only the object store knows is none of them: its record brings it back (`app.recovery.files`). Nor is what
was delivered, and so paid, though its record is lost: that is for a person (`result_without_order`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import Gauge

from app.database import insert_once
from app.gateways.storage import NoSuchObjectError
from app.models import Mark
from app.orders.records import key_of
from app.portal import portal
from app.recovery.compare import wants_rebuild
from app.recovery.files import walk

# Prefix -> what of an order lies there.
PREFIXES = {
    "incoming/": "incoming/{id}/",
    "orders/": "orders/{id}.",
    "previews/": "previews/{id}/",
    "results/": "results/{id}/",
}
MARK = "orphans"
FOUND = Gauge("portal_orphan_objects", "Objects without an order that the last look at the object store found")


@dataclass(frozen=True)
class Orphans:
    """What retention does with objects that belong to no order and are older than a moment: see `app.privacy.work`."""

    def count(self, before: datetime) -> int:
        """Count what `run` would delete."""
        return sum(portal.storage.count(prefix, before) for prefix in orphans())

    def run(self, before: datetime) -> int:
        """Delete all versions; returns how many."""
        total = sum(portal.storage.purge(prefix, before=before) for prefix in orphans())
        with portal.database.transaction() as session:
            insert_once(session, Mark, name=MARK, value="0", at=portal.clock())
            mark = session.get_one(Mark, MARK)
            mark.value, mark.at = str(total), portal.clock()
        return total


def orphans() -> Iterator[str]:
    """Yield the prefix of everything that belongs to no order; nothing while the ledger waits to be rebuilt."""
    if wants_rebuild():
        return
    for prefix, place in PREFIXES.items():
        for seen in walk(prefix):
            if seen.order is None and not _has_record(seen.order_id):
                yield place.format(id=seen.order_id)


def _has_record(order_id: str) -> bool:
    """Tell whether something in the object store says that there was such an order, or that it was delivered."""
    for part in ("order", "delivery"):
        try:
            portal.storage.head(key_of(part, order_id))
        except NoSuchObjectError:
            continue
        return True
    return False


def measure() -> None:
    """Set the figure of the last look."""
    with portal.database.transaction() as session:
        mark = session.get(Mark, MARK)
    FOUND.set(int(mark.value) if mark else 0)
