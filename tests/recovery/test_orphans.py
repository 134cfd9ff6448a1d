"""Objects that belong to no order are counted, and deleted when they are old; nothing of an order is (AC-U08)."""

from datetime import timedelta

from sqlalchemy import delete

from app.kit.ids import new_id
from app.models import AuditEntry, Mail, Order, Run
from app.privacy.retention import RETENTION, apply
from app.recovery.orphans import FOUND, Orphans, measure, orphans
from tests.recovery.company import Company

RULE = "files that belong to no order"
PLACES = ("incoming/{}/grant", "orders/{}.kaiseki", "previews/{}/plot.png", "results/{}/run/a.csv")


def _keys(company: Company) -> set[str]:
    return {key for key, _ in company.portal.storage.list("")}


def _strays(company: Company) -> set[str]:
    keys = {place.format(new_id()) for place in PLACES}
    for key in keys:
        company.portal.storage.put(key, b"left", "text/plain")
    return keys


def _forget(company: Company, order: Order) -> None:
    """Lose an order's row, as a database does that is restored from yesterday."""
    with company.portal.database.transaction() as session:
        for model in (AuditEntry, Mail, Run):
            session.execute(delete(model).where(model.order_id == order.id))
        session.execute(delete(Order).where(Order.id == order.id))


def test_ac_u08_objects_without_an_order_are_deleted_and_no_others(company: Company) -> None:
    """Under every prefix; what is paid, analysed, waits, or is known by its record alone is not touched."""
    company.bought()
    company.upload(arrives=False)
    lost = company.analysed()
    _forget(company, lost)
    before = _keys(company)
    strays = _strays(company)
    later = company.portal.clock() + timedelta(seconds=5)
    assert Orphans().count(later) == len(strays)  # the dry run
    assert _keys(company) == before | strays
    assert Orphans().run(later) == len(strays)
    assert _keys(company) == before
    measure()
    assert FOUND._value.get() == len(strays)  # noqa: SLF001
    assert Orphans().run(later) == 0


def test_ac_u08_what_was_delivered_is_for_a_person(company: Company) -> None:
    """A paid result whose row and record are both lost stays, and is a finding."""
    order = company.analysed()
    company.portal.storage.put(f"results/{order.id}/manifest.json", b"{}", "application/json")
    _forget(company, order)
    company.portal.storage.purge(f"orders/{order.id}.json")
    company.upload()
    assert list(orphans()) == []


def test_ac_u08_young_objects_are_left_alone(company: Company) -> None:
    """An upload may be older than the order's row is to another process: a week is given."""
    company.upload()
    strays = _strays(company)
    assert apply(RULE) == 0
    assert strays <= _keys(company)
    assert RETENTION[RULE].after == timedelta(days=7)


def test_ac_u08_a_lost_ledger_makes_no_orphans(company: Company) -> None:
    """Beside an empty database everything is to be restored, nothing deleted."""
    company.bought()
    strays = _strays(company)
    company.open_ledger()
    assert list(orphans()) == []
    assert Orphans().run(company.portal.clock() + timedelta(seconds=5)) == 0
    assert strays <= _keys(company)


def test_ac_u08_the_command_counts_without_deleting(company: Company) -> None:
    """`portal retention --dry-run` tells of them."""
    company.upload()
    code, said = company.cli("retention", "--dry-run")
    assert code == 0
    assert RULE in said
