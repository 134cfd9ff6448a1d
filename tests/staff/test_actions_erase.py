"""Staff delete everything about a customer who asks for it (AC-P02), and only then."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.models import Erasure, Mail, Order
from app.portal import Portal
from app.privacy.wish import digests
from tests.cast import browser_of
from tests.checkout.shop import audit, go_to_stripe, order_of, payments
from tests.helpers import make_order, make_payment, reload
from tests.history.people import log_in
from tests.staff.desk import act, act_in_haste, done, entries, logged, member, path_of

WHY = {"reason": "asked by letter, identity checked"}


def evidence(portal: Portal, email: str) -> Erasure | None:
    """Return the row that says that an address was forgotten."""
    with portal.database.transaction() as session:
        return session.scalar(select(Erasure).where(Erasure.email_digest.in_(digests(email))))


def test_ac_p02_all_orders_of_the_address_are_forgotten(nobody_works: tuple[Portal, Flask], email: str) -> None:
    """With their logins; the job that deletes the rest is there, the last mail waits, the audit names who did it."""
    portal, app = nobody_works
    client = browser_of(app)
    orders = [make_order(portal, email=email, state=state) for state in ("failed", "waiting", "uploaded")]
    log_in(portal, client, email)
    desk = member(portal, app, "admin")
    page = done(desk, act_in_haste(desk, orders[0], "erase", email=email.upper(), **WHY), orders[0])
    assert "This is done already." in page, "pressed three times"
    assert email not in page
    for order in orders:
        fresh = reload(portal, order)
        assert fresh.email.startswith("deleted-")
        assert (fresh.filename, fresh.erased_at is not None) == ("", True)
        assert entries(portal, order, "order.erased")[0]["actor"].startswith("staff:admin-")
    assert client.get("/history").status_code == 302
    found = evidence(portal, email)
    assert found is not None
    assert portal.jobs.client.list_workflows(workflow_id_prefix=f"privacy.erase:{found.id}")
    with portal.database.transaction() as session:
        assert session.scalars(select(Mail.kind).where(Mail.to == email)).all() == ["data_deleted"]
    (entry,) = entries(portal, orders[0], "staff.erase")
    assert (entry["what"], entry["reason"]) == (found.id, WHY["reason"])
    (line,) = logged(portal, orders[0])
    assert (line.action, line.role, email in repr(line.data)) == ("order.erase", "admin", False)


def test_the_page_that_is_open_at_stripe_closes_first(
    portal: Portal, app: Flask, client: FlaskClient, email: str
) -> None:
    order = order_of(portal, client, email=email)
    session_id = go_to_stripe(client, order)
    desk = member(portal, app, "admin")
    done(desk, act(desk, order, "erase", email=email, **WHY), order)
    assert portal.stripe.retrieve_session(session_id)["status"] == "expired"
    assert payments(portal, order)[0].state == "expired"


def test_ac_p02_money_on_its_way_stands_in_the_way(portal: Portal, app: Flask, email: str) -> None:
    """Of another order of the address too; the page says which, and nothing changes."""
    order, other = make_order(portal, email=email, state="failed"), make_order(portal, email=email, state="analysed")
    make_payment(portal, other, method="konbini", state="awaiting")
    desk = member(portal, app, "admin")
    page = desk.get(path_of(order, "erase")).text
    assert "Orders of this address</dt><dd>2</dd>" in page
    assert f"<dt>{other.id[:8]}</dt><dd>A convenience store voucher is out" in page
    answer = act(desk, order, "erase", email=email, **WHY)
    assert answer.status_code == 422
    assert "on its way in one of the orders" in answer.text
    assert reload(portal, order).email == email
    assert evidence(portal, email) is None
    assert audit(portal, order) == []
    assert logged(portal, order) == []


@pytest.mark.parametrize("typed", ["other@example.jp", "x", ""])
def test_whoever_types_another_address_deletes_nothing(portal: Portal, app: Flask, typed: str) -> None:
    order = make_order(portal, state="failed")
    answer = act(member(portal, app, "admin"), order, "erase", email=typed, **WHY)
    assert answer.status_code == 422
    assert reload(portal, order).erased_at is None


def test_what_is_erased_takes_no_action_any_more(portal: Portal, app: Flask, email: str) -> None:
    order = make_order(portal, email=email, state="failed")
    desk = member(portal, app, "admin")
    done(desk, act(desk, order, "erase", email=email, **WHY), order)
    page = desk.get(f"/staff/orders/{order.id}").text
    assert f"/staff/orders/{order.id}/do/" not in page
    with portal.database.transaction() as session:
        assert session.get_one(Order, order.id).email != email
