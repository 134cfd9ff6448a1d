"""What the comparison could not mend, as staff see it."""

from flask.testing import FlaskClient

from app.kit.ids import new_id
from app.portal import Portal
from app.recovery.report import KINDS, LOG_BROKEN, REDACTION, close_unseen, find
from app.staff.findings import FINDINGS
from tests.helpers import make_order
from tests.history.people import log_in


def test_every_difference_has_a_sentence() -> None:
    assert set(FINDINGS) == {*KINDS, REDACTION, LOG_BROKEN}


def test_the_list_and_the_order_show_what_was_found_until_it_is_gone(portal: Portal, client: FlaskClient) -> None:
    staff = log_in(portal, client, f"staff-{new_id()}@kaiseki.example", staff=True)
    order, other = make_order(portal), make_order(portal)
    subject = f"cs_test_{new_id()}"
    find("amount_mismatch", subject, order.id, ledger=1500, stripe=1)
    find("session_without_order", subject, new_id())  # an order that we don't have
    listed = staff.get("/staff/findings?lang=en").text
    for part in (subject, "The amount at Stripe is another one", "ledger: 1500", f"/staff/orders/{order.id}"):
        assert part in listed
    assert "neither we nor S3 know" in listed
    assert subject in staff.get(f"/staff/orders/{order.id}?lang=en").text
    assert "<h2>What does not fit" not in staff.get(f"/staff/orders/{other.id}?lang=en").text
    assert "/staff/findings" in staff.get("/staff/orders").text
    close_unseen(["amount_mismatch"], portal.clock())
    assert subject not in staff.get(f"/staff/orders/{order.id}?lang=en").text


def test_only_staff_see_it(client: FlaskClient) -> None:
    assert client.get("/staff/findings").status_code in {302, 303, 404}
