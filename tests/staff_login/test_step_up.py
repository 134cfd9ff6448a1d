"""Before what matters one proves once more who one is: a new phone, new recovery codes, ending a customer's logins."""

from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select

from app.kit.clock import system_clock
from app.login.people import STAFF_STEP_UP
from app.models import AuditEntry
from app.portal import Portal
from tests.helpers import make_order
from tests.login.steps import log_in, post, session_cookie, sessions_of
from tests.staff_login.steps import (
    Phone,
    give,
    may_enter,
    new_member,
    recovery_codes_of,
    secret_of,
    set_up,
    ticket_of,
)

LATER = STAFF_STEP_UP + timedelta(seconds=10)
PAGES = ("/staff/login/phone", "/staff/login/recovery-codes")


@pytest.mark.parametrize("path", PAGES)
def test_what_matters_asks_for_a_code_again_after_five_minutes(
    portal: Portal, client: FlaskClient, member: str, path: str
) -> None:
    """Within five minutes of the second factor it is open; later page and form lead to the code, and back."""
    phone, _ = new_member(portal, client, member)
    assert client.get(path).status_code == 200
    with time_machine.travel(system_clock() + LATER):
        assert may_enter(client), "the session itself goes on"
        before = session_cookie(client)
        asked = client.get(path)
        assert asked.status_code == post(client, path).status_code == 303
        assert asked.location.startswith("/staff/login/code?next=staff_login.")
        assert asked.location.endswith("&again=1")
        page = client.get(f"{asked.location}&lang=en")
        assert "Is it still you?" in page.text
        assert give(client, "000000", next="staff_login.phone").status_code == 422
        back = give(client, phone.code(), next=asked.location.partition("next=")[2].partition("&")[0])
        assert (back.status_code, back.location) == (303, path)
        assert session_cookie(client) != before
        assert client.get(path).status_code == 200


def test_new_recovery_codes_end_the_old_ones(portal: Portal, client: FlaskClient, member: str) -> None:
    _, old = new_member(portal, client, member)
    assert "Make new codes" in client.get("/staff/login/recovery-codes?lang=en").text
    new = recovery_codes_of(post(client, "/staff/login/recovery-codes").text)
    assert len(set(new) - set(old)) == 10
    log_in(client, portal, member)
    assert give(client, old[0]).status_code == 422
    assert give(client, new[0]).status_code == 303
    assert "9 of 10" in client.get("/staff/login/factor?lang=en").text


def test_a_new_phone_ends_the_old_one_and_every_other_login(
    portal: Portal, client: FlaskClient, stranger: FlaskClient, member: str
) -> None:
    """The recovery codes stay; who has a session elsewhere has to log in again (ASVS 7.4.3)."""
    old, recovery = new_member(portal, client, member)
    log_in(stranger, portal, member)
    assert give(stranger, old.code()).status_code == 303
    client.get("/?lang=en")
    new, answer = set_up(client, "/staff/login/phone")
    assert (answer.status_code, answer.location) == (303, "/staff/login/factor")
    assert "new phone is set up" in client.get("/staff/login/factor?lang=en").text
    assert may_enter(client)
    assert not may_enter(stranger)
    assert sum(1 for row in sessions_of(portal, member) if row.ended_at is None) == 1
    log_in(stranger, portal, member)
    assert give(stranger, old.code()).status_code == 422
    assert give(stranger, new.code()).status_code == 303
    log_in(stranger, portal, member)
    assert give(stranger, recovery[0]).status_code == 303


def test_a_lost_phone_is_replaced_with_a_recovery_code(portal: Portal, client: FlaskClient, member: str) -> None:
    _, recovery = new_member(portal, client, member)
    log_in(client, portal, member)
    give(client, recovery[0])
    phone, answer = set_up(client, "/staff/login/phone")
    assert answer.status_code == 303
    log_in(client, portal, member)
    assert give(client, phone.code()).status_code == 303


def test_a_wrong_code_changes_no_phone(portal: Portal, client: FlaskClient, member: str) -> None:
    old, _ = new_member(portal, client, member)
    page = client.get("/staff/login/phone").text
    assert secret_of(page) != old.secret
    answer = post(client, "/staff/login/phone", ticket=ticket_of(page), code="000000")
    assert (answer.status_code, secret_of(answer.text)) == (422, secret_of(page))
    log_in(client, portal, member)
    assert give(client, Phone(secret_of(page)).code()).status_code == 422
    assert give(client, old.code()).status_code == 303


def test_ac_l14_staff_end_a_customers_sessions(
    portal: Portal, client: FlaskClient, stranger: FlaskClient, member: str, email: str
) -> None:
    """Asked for once more and with a recent code; it ends them all and stands in the order's audit."""
    phone, _ = new_member(portal, client, member)
    order, others = make_order(portal, email=email), make_order(portal)
    log_in(stranger, portal, email)
    neighbour = type(client)(client.application, client.response_wrapper)
    log_in(neighbour, portal, f"neighbour-{email}")
    path = f"/staff/orders/{order.id}/end-sessions"
    assert path in client.get(f"/staff/orders/{order.id}").text
    with time_machine.travel(system_clock() + LATER):
        asked = client.get(path)
        assert asked.location == f"/staff/login/code?next=staff.end_sessions&order={order.id}&again=1"
        assert post(client, path).status_code == 303
        assert stranger.get("/account").status_code == 200, "nothing happened yet"
        back = give(client, phone.code(), next="staff.end_sessions", order=order.id)
        assert back.location == path
        page = client.get(f"{path}?lang=en").text
        assert email in page
        assert stranger.get("/account").status_code == 200, "looking ends nothing"
        answer = post(client, path)
        assert (answer.status_code, answer.location) == (303, f"/staff/orders/{order.id}")
        assert stranger.get("/account").status_code == 302
        assert neighbour.get("/account").status_code == 200
    with portal.database.transaction() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.order_id.in_([order.id, others.id]))).all()
    told = [(entry.order_id, entry.kind, entry.actor, entry.data) for entry in entries]
    assert told == [(order.id, "staff.sessions_ended", f"staff:{member}", {"count": 1})]
    assert "All logins of the customer ended by staff" in client.get(f"/staff/orders/{order.id}?lang=en").text


def test_who_may_only_look_ends_no_sessions(
    portal: Portal, client: FlaskClient, stranger: FlaskClient, member: str, email: str
) -> None:
    new_member(portal, client, member, role="viewer")
    order = make_order(portal, email=email)
    log_in(stranger, portal, email)
    path = f"/staff/orders/{order.id}/end-sessions"
    assert path not in client.get(f"/staff/orders/{order.id}").text
    assert client.get(path).status_code == post(client, path).status_code == 403
    assert stranger.get("/account").status_code == 200


def test_a_customer_proves_it_by_a_new_mailed_login(portal: Portal, client: FlaskClient, email: str) -> None:
    """The form is shown although somebody is logged in, with the address and a word why; then it leads on."""
    log_in(client, portal, email)
    assert client.get("/account/email").status_code == 200
    with time_machine.travel(system_clock() + timedelta(minutes=10, seconds=5)):
        asked = client.get("/account/email")
        assert (asked.status_code, asked.location) == (303, "/login?next=login.address.change&again=1")
        page = client.get(f"{asked.location}&lang=en")
        assert page.status_code == 200
        assert email in page.text
        assert "Log in once more" in page.text
        log_in(client, portal, email)
        assert client.get("/account/email").status_code == 200
