"""Who owns an order: the browser that made it until its address is proved by a login, then whoever proved it."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.intake.service import take_in
from app.kit.ids import digest, new_secret
from app.models import Mail, Order
from app.orders.jobs import keep_record
from app.orders.owners import carry_over, former_addresses, prove
from app.orders.records import key_of
from app.portal import Portal
from tests.helpers import make_order, reload
from tests.login.steps import log_in, post, set_cookie

JSON = {"Accept": "application/json"}


@pytest.fixture
def new_browser(client: FlaskClient, app: Flask) -> Callable[[], FlaskClient]:
    return lambda: type(client)(app, app.response_class)


def ordered_in(client: FlaskClient, portal: Portal, email: str, **columns: object) -> Order:
    """Make an order in a browser."""
    claim = new_secret()
    set_cookie(client, "claim", claim)
    return make_order(portal, email=email, claim_hash=digest(claim), **columns)


def proved(portal: Portal, email: str) -> None:
    """Prove an address, as a login does."""
    with portal.database.transaction() as session:
        prove(session, email, portal.clock())


def record_of(portal: Portal, order: Order) -> dict[str, object]:
    return dict(json.loads(portal.storage.get(key_of("order", order.id))))


def enqueued(portal: Portal, order: Order) -> int:
    return len(portal.jobs.client.list_workflows(workflow_id_prefix=f"orders.record:{order.id}"))


def test_ac_l20_the_browser_that_ordered_sees_it_only_until_the_address_is_proved(
    client: FlaskClient, new_browser: Callable[[], FlaskClient], portal: Portal, email: str
) -> None:
    """An order is its browser's until the address is proved by a login elsewhere, and the address's from then on."""
    order = ordered_in(client, portal, email)
    other = make_order(portal, email=f"x{email}", claim_hash=order.claim_hash)
    page = f"/orders/{order.id}"
    assert client.get(page).status_code == 200
    owner = new_browser()
    log_in(owner, portal, email)
    assert owner.get(page).status_code == 200
    for path in (page, f"{page}/pay", f"{page}/return", f"{page}/files/result.zip", f"{page}/preview/plot.png"):
        answer = client.get(path)
        assert (answer.status_code, answer.location) == (303, f"/login?next=orders.show&order={order.id}"), path
    assert new_browser().get(page).status_code == 404
    assert reload(portal, order).proved_at is not None
    assert reload(portal, other).proved_at is None  # what is another address's stays its browser's
    log_in(client, portal, email)
    assert client.get(page).status_code == 200


def test_scripts_and_open_pages_are_told_to_log_in(client: FlaskClient, portal: Portal, email: str) -> None:
    order = ordered_in(client, portal, email)
    proved(portal, email)
    answer = client.get(f"/orders/{order.id}/status", headers={"HX-Request": "true"})
    there = f"/login?next=orders.show&order={order.id}"
    assert (answer.status_code, answer.text, answer.headers["HX-Redirect"]) == (200, "", there)
    answer = client.get(f"/orders/{order.id}", headers=JSON)
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (401, "login_needed")
    assert post(client, f"/orders/{order.id}/pay", method="card").location == there


def test_whoever_is_logged_in_with_another_address_is_not_sent_to_and_fro(
    client: FlaskClient, portal: Portal, email: str
) -> None:
    order = ordered_in(client, portal, email)
    proved(portal, email)
    log_in(client, portal, f"x{email}")
    assert client.get(f"/orders/{order.id}").status_code == 404
    assert client.get(f"/orders/{order.id}", headers=JSON).status_code == 404


def test_the_pay_link_of_the_mail_goes_on_working(client: FlaskClient, portal: Portal, email: str) -> None:
    order = ordered_in(client, portal, email, state="analysed")
    proved(portal, email)
    token = portal.signer.sign("pay-link", order.id)
    assert client.get(f"/orders/{order.id}/pay?t={token}").status_code == 200
    assert client.get(f"/orders/{order.id}/pay").location == f"/login?next=orders.show&order={order.id}"


@pytest.mark.parametrize("own", [True, False])
def test_an_order_made_while_logged_in_is_the_addresss_at_once(
    client: FlaskClient, portal: Portal, email: str, *, own: bool
) -> None:
    log_in(client, portal, email)
    typed = email.upper() if own else f"x{email}"
    page = post(client, "/orders", product="csv-profile", email=typed, locale="ja").location
    with portal.database.transaction() as session:
        order = session.get_one(Order, page.rpartition("/")[2])
    assert (order.proved_at is not None) is own
    assert client.get(page).status_code == 200
    post(client, "/logout")
    assert client.get(page).status_code == (303 if own else 200)


def test_the_record_in_the_object_store_follows_the_owner(portal: Portal, email: str) -> None:
    order = make_order(portal, email=email, state="uploaded", uploaded_at=portal.clock())
    waiting = make_order(portal, email=email)
    proved(portal, email)
    assert enqueued(portal, order) == 1
    keep_record(order.id)
    fresh = reload(portal, order)
    assert fresh.proved_at is not None
    assert record_of(portal, order)["proved_at"] == fresh.proved_at.isoformat()
    keep_record(waiting.id)  # no file, no record
    assert list(portal.storage.list(f"orders/{waiting.id}")) == []
    now = portal.clock()
    with portal.database.transaction() as session:
        carry_over(session, email, f"x{email}", now)
    assert enqueued(portal, order) == 2
    keep_record(order.id)
    record = record_of(portal, order)
    assert (record["email"], record["former"]) == (f"x{email}", {email: now.isoformat()})


def test_an_owner_who_changes_while_the_file_is_taken_in_is_not_forgotten(portal: Portal, email: str) -> None:
    """The record was written before the login; the order moves on after it."""
    before = make_order(portal, email=email)
    proved(portal, email)
    assert enqueued(portal, before) == 1
    take_in(before.id, {"size": 1, "sha256": None, "uploaded_at": portal.clock()}, kept=before)
    assert enqueued(portal, before) == 2


def test_addresses_are_remembered_from_one_change_to_the_next(portal: Portal, email: str) -> None:
    """A to B to C: Stripe is asked for all three. And back to A: for B and C."""
    a, b, c = (f"{name}{email}" for name in "abc")
    start = portal.clock()
    steps = ((a, b), (b, c), (c, a), (a, c))
    seen = []
    for number, (old, new) in enumerate(steps):
        with portal.database.transaction() as session:
            carry_over(session, old, new, start + timedelta(hours=number))
            assert former_addresses(session, old) == {}
            seen.append(
                {who: round((at - start) / timedelta(hours=1)) for who, at in former_addresses(session, new).items()}
            )
    assert seen == [{a: 0}, {a: 0, b: 1}, {b: 1, c: 2}, {b: 1, a: 3}]


def test_two_accounts_become_one(portal: Portal, email: str) -> None:
    """The new address may have orders and former addresses of its own."""
    a, b, c = (f"{name}{email}" for name in "abc")
    orders = [make_order(portal, email=address) for address in (a, b, c)]
    now = portal.clock()
    with portal.database.transaction() as session:
        carry_over(session, a, c, now)
        carry_over(session, b, c, now + timedelta(hours=1))
        assert former_addresses(session, c) == {a: now, b: now + timedelta(hours=1)}
        carry_over(session, a, c, now + timedelta(hours=2))  # ordered with the old one again, and changed again
        assert former_addresses(session, c) == {a: now + timedelta(hours=2), b: now + timedelta(hours=1)}
    after = [reload(portal, order) for order in orders]
    assert {order.email for order in after} == {c}
    assert [order.proved_at for order in after] == [now, now + timedelta(hours=1), None]  # c logs in with the change


def test_mails_that_wait_go_to_the_new_address_and_others_stay(portal: Portal, email: str) -> None:
    order = make_order(portal, email=email)
    with portal.database.transaction() as session:
        for number, state in enumerate(("queued", "failed", "sent")):
            session.add(
                Mail(
                    id=f"{number}{order.id[1:]}", dedup_key=f"{order.id}:{state}", kind="refund", order_id=order.id,
                    to=email, locale="ja", params={}, state=state, created_at=portal.clock(),
                )
            )  # fmt: skip
    with portal.database.transaction() as session:
        carry_over(session, email, f"x{email}", portal.clock())
        mails = {mail.state: mail.to for mail in session.query(Mail).filter_by(order_id=order.id)}
    assert mails == {"queued": f"x{email}", "failed": f"x{email}", "sent": email}
