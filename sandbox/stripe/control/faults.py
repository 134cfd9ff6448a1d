"""Faults of the API, set and cleared."""

from __future__ import annotations

from sandbox.stripe.control.moments import Fields, moment
from sandbox.stripe.door import faults
from sandbox.stripe.running import store
from sandbox.stripe.store import Json


@moment("faults", "GET")
def list_faults(_fields: Fields) -> list[Json]:
    """Give the faults that are not used up."""
    with store().read() as tx:
        return faults.all_of(tx)


@moment("faults")
def add_fault(fields: Fields) -> Json:
    """Set a fault: `route`, `kind`, and optionally `times`, `share`, `seconds` (see door/faults.py)."""
    given = {name: fields.number(name) for name in ("times", "share", "seconds") if fields.get(name) not in (None, "")}
    with store().write() as tx:
        return faults.add(
            tx,
            fields.text("route"),
            fields.text("kind"),
            times=int(given["times"]) if "times" in given else None,
            share=given.get("share", 1.0),
            seconds=given.get("seconds"),
        )


@moment("faults/<fault_id>/delete")
def remove_fault(_fields: Fields, fault_id: str) -> list[Json]:
    """Forget a fault and give the rest."""
    with store().write() as tx:
        faults.remove(tx, fault_id)
        return faults.all_of(tx)


@moment("faults/clear")
def clear_faults(_fields: Fields) -> list[Json]:
    """Forget all faults."""
    with store().write() as tx:
        faults.clear(tx)
        return faults.all_of(tx)
