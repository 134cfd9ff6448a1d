"""A rebuilt ledger knows who owns an order, and under which addresses Stripe knows its owner."""

from app.orders.jobs import keep_record
from app.orders.owners import carry_over, former_addresses, prove
from tests.helpers import reload
from tests.recovery.company import Company


def test_a_rebuilt_order_belongs_to_whom_it_belonged(company: Company) -> None:
    """Proved address and former addresses come back from OrderID.json; the browser that ordered stays out."""
    proved, moved, fresh = (company.upload(email=f"{name}@example.jp") for name in ("hana", "old", "ume"))
    portal = company.portal
    now = portal.clock()
    with portal.database.transaction() as session:
        prove(session, "hana@example.jp", now)
        carry_over(session, "old@example.jp", "new@example.jp", now)
    for order in (proved, moved):  # as the worker does
        keep_record(order.id)
    company.open_ledger()
    code, output = company.cli("rebuild")
    assert code == 0, output
    portal = company.portal
    with portal.database.transaction() as session:
        assert former_addresses(session, "new@example.jp") == {"old@example.jp": now}
        assert former_addresses(session, "hana@example.jp") == {}
    owners = [(order.email, order.proved_at) for order in (reload(portal, o) for o in (proved, moved, fresh))]
    assert owners == [("hana@example.jp", now), ("new@example.jp", now), ("ume@example.jp", None)]
    statuses = [company.browser(order).get(f"/orders/{order.id}").status_code for order in (proved, moved, fresh)]
    assert statuses == [303, 303, 200]
