"""An order whose file never came is closed, and only that."""

from datetime import timedelta

from app.intake.service import WAIT_FOR_FILE, close_abandoned
from app.portal import Portal
from tests.helpers import make_order, reload


def test_ac_u08_only_old_orders_without_a_file_are_closed(portal: Portal, email: str) -> None:
    """Orders whose file never came are closed after their time; others are not touched."""
    old = portal.clock() - WAIT_FOR_FILE - timedelta(minutes=1)
    forgotten = make_order(portal, email=email, created_at=old)
    fresh = make_order(portal, email=email)
    uploaded = make_order(portal, email=email, created_at=old, state="uploaded")
    while close_abandoned():
        pass
    assert [reload(portal, o).state for o in (forgotten, fresh, uploaded)] == ["abandoned", "waiting", "uploaded"]
