"""Delete my data: everything goes, nothing comes back, and money on its way is not lost sight of (AC-P02)."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_babel import force_locale
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from app.checkout.settle import settle
from app.history.sessions import sessions_of
from app.kit.ids import new_id
from app.models import (
    AuditEntry,
    Erasure,
    FormerAddress,
    LoginDevice,
    LoginRequest,
    LoginSession,
    Mail,
    Order,
    Payment,
    Run,
    StripeEvent,
    StripeHistory,
)
from app.orders.records import key_of
from app.portal import Portal
from app.privacy.jobs import ERASE
from app.privacy.wish import OBSTACLES, digests
from app.recovery.report import REDACTION, open_findings
from tests.analysis_room.conftest import CSV
from tests.conftest import Browser
from tests.helpers import make_order, make_payment, reload, wait_for
from tests.history.people import log_in
from tests.login.steps import ask, csrf_of
from tests.privacy.looks import comparison, objects_with, rows_with, versions
from tests.recovery.company import Company
from tests.workers import worker_named

NAME = "極秘の売上.csv"


@pytest.fixture
def person(company: Company, email: str) -> FlaskClient:
    """Give a browser that has just logged in."""
    return log_in(company.portal, Browser(company.flask, company.flask.response_class), email)


@pytest.fixture
def visitor(portal: Portal, client: FlaskClient, email: str) -> FlaskClient:
    """Give a browser that has just logged in with everybody's portal."""
    return log_in(portal, client, email)


def press(browser: FlaskClient, email: str) -> TestResponse:
    """Type the address and press the button."""
    token = csrf_of(browser.get("/account?lang=en").text)
    return browser.post("/account/delete", data={"csrf_token": token, "email": email})


def fill(company: Company, email: str) -> dict[str, Order]:
    """Make orders of all kinds of one address, and everything that names it."""
    portal, columns = company.portal, {"email": email, "filename": NAME}
    made = {"bought": company.bought(**columns)[0], "konbini": company.bought("konbini", **columns)[0]}
    made["rejected"] = company.analysed("test-refuse", **columns)
    made["waiting"] = company.upload(arrives=False, **columns)
    made["page open"] = company.analysed(**columns)
    company.begin_to_pay(made["page open"])
    company.browser(made["bought"]).get(f"/orders/{made['bought'].id}/files/result.zip")
    now = portal.clock()
    sessions_of(email)
    ask(Browser(company.flask, company.flask.response_class), email)
    with portal.database.transaction() as session:
        payments = session.scalars(select(Payment)).all()
        session.add(LoginDevice(email=email, device_hash="d", created_at=now, seen_at=now))
        session.add(FormerAddress(email=email, former=f"old-{email}", since=now))
        for payment in payments:
            told = json.dumps(
                {"id": payment.payment_intent_id, "email": email, "metadata": {"order": payment.order_id}}
            )
            event = {
                "id": f"evt_{new_id().replace('-', '')}",
                "type": "charge.updated",
                "state": "ignored",
                "received_at": now,
            }
            session.add(StripeEvent(**event, payload=told))
        session.execute(update(Mail).values(state="sent", sent_at=now, text=f"{email} {NAME}", subject=NAME))
    return made


def arrived(made: dict[str, Order]) -> set[str]:
    """Return the orders whose file arrived, so that the bucket has a record of them."""
    return {order.id for name, order in made.items() if name != "waiting"}


def evidence(portal: Portal, email: str) -> Erasure | None:
    """Return the row that says that an address asked."""
    with portal.database.transaction() as session:
        return session.scalar(select(Erasure).where(Erasure.email_digest.in_(digests(email))))


def done(portal: Portal, email: str) -> bool:
    """Tell whether everything is deleted."""
    found = evidence(portal, email)
    return found is not None and found.done_at is not None


def traces(portal: Portal, email: str) -> list[str]:
    """Return where in ledger and bucket the person can still be found: by address, file name, or what was in files."""
    content = CSV.decode().splitlines()[0]
    return [
        *rows_with(portal, email, NAME, NAME.encode("unicode_escape").decode()),
        *objects_with(portal, email, NAME, content),
    ]


STEPS = ("order_done", "events_cut", "staff_told", "before_farewell", "before_done")


@pytest.mark.faults
def test_ac_p02_everything_is_deleted_whatever_dies_meanwhile(
    company: Company, person: FlaskClient, email: str, folder: Path, tmp_path: Path
) -> None:
    """No row and no version of any object names the person, though the worker is killed at every step of the way."""
    portal, made = company.portal, fill(company, email)
    assert len(traces(portal, email)) > 20
    answer = press(person, email)
    assert (answer.status_code, answer.location) == (303, "/account/deleted")
    points = tmp_path / "points"
    points.write_text("".join(f"erase.{point}:kill9\n" for point in STEPS))
    lives = 0
    while not done(portal, email):
        lives += 1
        surroundings = {**company.environment, "FAILPOINT": f"@{points}"}
        with worker_named(f"eraser-{tmp_path.name[-8:]}", surroundings, folder) as child:
            wait_for(lambda child=child: child.poll() is not None or done(portal, email), 60, "the worker's end")  # type: ignore[misc]
    assert (lives, points.read_text()) == (len(STEPS) + 1, "")
    assert traces(portal, email) == []
    assert {key for key, _ in versions(portal)} == {f"orders/{order_id}.json" for order_id in arrived(made)}
    assert [mail["subject"] for mail in company.sandbox.mails(email)].count("Your data is deleted") == 1


def erase(portal: Portal, email: str) -> None:
    """Do the job's steps, each twice."""
    found = evidence(portal, email)
    assert found is not None
    for work in (step for step in ERASE for _ in range(2)):
        work(found.id)


def test_ac_p02_what_stays_is_a_ledger_without_a_name(company: Company, person: FlaskClient, email: str) -> None:
    """Amounts, dates and Stripe's numbers stay under a pseudonym; comparison and rebuild bring no name back."""
    portal, made = company.portal, fill(company, email)
    before = {order.id: reload(portal, order) for order in made.values()}
    paid = company.rows(Payment)
    press(person, email)
    erase(portal, email)
    # The last mail is for a worker to send; only it may still have the address.
    assert [row for row in rows_with(portal, email, NAME) if "data_deleted" not in row] == []
    for payment in paid.values():
        settle(payment["session_id"])  # an event may come at any time, and Stripe knows them still
    orders, payments = company.rows(Order), company.rows(Payment)
    assert len({row["email"] for row in orders.values()}) == 1
    for key, was in before.items():
        assert orders[key]["price"] == was.price
        assert (orders[key]["created_at"], orders[key]["paid_at"]) == (was.created_at, was.paid_at)
        assert orders[key]["state"] == {"waiting": "abandoned", "uploaded": "cancelled"}.get(was.state, was.state)
    for key, row in payments.items():
        for name in ("amount", "payment_intent_id", "customer_id", "paid_at", "method"):
            assert row[name] == paid[key][name]
        assert (row["stripe_email"], row["voucher"], row["receipt_url"]) == (None, None, None)
    closed = [row["state"] for row in payments.values() if row["order_id"] == made["page open"].id]
    assert closed == ["expired"]
    assert comparison(company) == ({}, {REDACTION})
    company.open_ledger()
    assert company.cli("rebuild")[0] == 0
    again = company.rows(Order)
    assert {key for key, row in again.items() if row["erased_at"]} == arrived(made)
    for key, row in again.items():
        assert (row["email"], row["state"], row["money"]) == tuple(orders[key][n] for n in ("email", "state", "money"))
    assert [row for row in rows_with(company.portal, email, NAME) if not row.startswith("stripe_history")] == []
    assert comparison(company) == ({}, set())


def test_ac_p02_logged_out_everywhere_and_nobody_here_any_more(
    company: Company, person: FlaskClient, email: str
) -> None:
    """Every session, the browsers that ordered and the pay links are out at once, before any job has run."""
    portal, made = company.portal, fill(company, email)
    other = log_in(portal, Browser(company.flask, company.flask.response_class), email)
    token = portal.signer.sign("pay-link", made["page open"].id)
    assert other.get("/history").status_code == 200
    press(person, email)
    for browser in (person, other):
        assert browser.get("/history").status_code == 302
    for order in made.values():
        assert company.browser(order).get(f"/orders/{order.id}").status_code == 404
    stranger = Browser(company.flask, company.flask.response_class)
    assert stranger.get(f"/orders/{made['page open'].id}/pay?t={token}").status_code == 404
    with portal.database.transaction() as session:
        for model in (LoginSession, LoginRequest, LoginDevice, FormerAddress, StripeHistory):
            assert session.scalars(select(model)).all() == [], model
    history = log_in(portal, person, email).get("/history?lang=en").text
    assert "There is no order with this address yet" in history


def test_ac_p02_who_comes_back_is_somebody_new(company: Company, person: FlaskClient, email: str) -> None:
    """An order made with the same address a second later is not touched by the job."""
    portal = company.portal
    company.bought(email=email)
    press(person, email)
    order, _ = company.bought(email=email)
    erase(portal, email)
    assert reload(portal, order).email == email
    assert company.browser(order).get(f"/orders/{order.id}/files/result.zip").status_code == 302


Columns = dict[str, Any]
STANDS: dict[str, tuple[Columns, Columns | None]] = {
    "voucher": ({"state": "analysed"}, {"state": "awaiting", "method": "konbini"}),
    "refund": ({"state": "delivered", "money": "paid"}, {"state": "paid", "anomaly": None}),
    "dispute": ({"state": "delivered", "money": "paid"}, {"state": "paid", "dispute": "needs_response"}),
    "checking": ({"state": "analysed"}, {"state": "expired", "anomaly": "amount_mismatch"}),
    "analysis": ({"state": "analysing", "money": "paid"}, {"state": "paid"}),
    "preparing": ({"state": "analysed", "money": "paid"}, {"state": "paid"}),
}


@pytest.mark.parametrize("why", STANDS)
def test_ac_p02_refused_while_money_is_on_its_way_or_an_analysis_runs(
    portal: Portal, visitor: FlaskClient, email: str, why: str
) -> None:
    """The page says which order stands in the way and why; the button does nothing."""
    columns, paid = STANDS[why]
    order = make_order(portal, email=email, filename=NAME, **columns)
    for _ in range(2 if why == "refund" else 1):  # paid twice: one goes back
        if paid:
            make_payment(portal, order, session_id=None, **paid)
    page = visitor.get("/account/delete?lang=en").text
    with force_locale("en"):
        assert str(OBSTACLES[why]) in page
    assert NAME in page
    assert 'name="email"' not in page
    assert press(visitor, email).status_code == 409
    assert reload(portal, order).email == email
    assert evidence(portal, email) is None


def test_ac_p02_an_analysis_that_is_not_paid_is_stopped(portal: Portal, visitor: FlaskClient, email: str) -> None:
    """In the line it ends at once, a running one is ended by its engine; what the program wrote is cut."""
    waiting, analysing = (make_order(portal, email=email, state=state) for state in ("uploaded", "analysing"))
    with portal.database.transaction() as session:
        session.add(
            Run(
                id=new_id(), order_id=analysing.id, engine="local", program="x", started_at=portal.clock(),
                log=NAME, cause=NAME,
            )
        )  # fmt: skip
    press(visitor, email)
    assert reload(portal, waiting).state == "cancelled"
    stopped = reload(portal, analysing)
    assert (stopped.state, stopped.cancel_asked_at is not None) == ("analysing", True)
    assert stopped.erased_at is not None
    with portal.database.transaction() as session:
        [run] = session.scalars(select(Run).where(Run.order_id == analysing.id))
    assert (run.log, run.cause) == (None, None)


def test_ac_p02_a_page_that_was_paid_meanwhile_stands_in_the_way(
    company: Company, person: FlaskClient, email: str
) -> None:
    """Open payment pages are closed first; one that turns out to be paid is a paid order, and nothing is deleted."""
    order = company.analysed(email=email)
    company.pay_at_stripe(order)
    assert press(person, email).status_code == 409
    assert (reload(company.portal, order).money, reload(company.portal, order).email) == ("paid", email)


def test_ac_p02_only_who_has_just_proved_it_and_typed_it(
    portal: Portal, visitor: FlaskClient, email: str, app: Flask
) -> None:
    """It takes a login of the last ten minutes and the typed address (AC-L24)."""
    make_order(portal, email=email, state="delivered", money="paid")
    assert press(visitor, "other@example.jp").status_code == 422
    assert press(visitor, "").status_code == 422
    with portal.database.transaction() as session:
        session.execute(
            update(LoginSession)
            .where(LoginSession.email == email)
            .values(proved_at=portal.clock() - timedelta(minutes=11))
        )
    answer = visitor.get("/account/delete")
    assert (answer.status_code, answer.location.partition("?")[0]) == (303, "/login")
    assert "next=privacy.delete" in answer.location
    assert press(visitor, email).status_code == 303
    assert evidence(portal, email) is None
    stranger = Browser(app, app.response_class)
    assert stranger.get("/account/delete").status_code == 303


def test_ac_p02_the_page_says_what_stays(visitor: FlaskClient) -> None:
    """Before the button: what goes, the ledger's years, Stripe, and when backups run out."""
    page = visitor.get("/account/delete?lang=en").text
    for part in ("tax law has us keep them for 7 years", "Backups: they run out within 35 days", "What is deleted"):
        assert part in page
    assert "35 days" in visitor.get("/account/deleted?lang=en").text


def test_ac_p02_staff_have_the_customer_redacted_at_stripe(company: Company, person: FlaskClient, email: str) -> None:
    """Each customer at Stripe is on the staff's list until somebody says that Stripe has done it."""
    portal = company.portal
    _, session_id = company.bought(email=email)
    customer = company.payment(session_id).customer_id
    press(person, email)
    erase(portal, email)
    with portal.database.transaction() as session:
        assert [(found.kind, found.subject) for found in open_findings(session)] == [(REDACTION, customer)]
    assert comparison(company) == ({}, {REDACTION})
    assert company.cli("redacted", "cus_nobody")[0] == 1
    assert company.cli("redacted", str(customer)) == (0, f"{customer}: done\n")
    assert comparison(company) == ({}, set())


def test_ac_p02_a_restored_backup_is_forgotten_again(company: Company, person: FlaskClient, email: str) -> None:
    """A database from before the deletion names the person once more; the records in the bucket know better."""
    portal = company.portal
    order, _ = company.bought(email=email, filename=NAME)
    backup = company.back_up()
    press(person, email)
    erase(portal, email)
    company.open_ledger(backup)
    assert reload(company.portal, order).email == email
    assert company.cli("forget-again")[1].startswith("1 people")
    erase(company.portal, email)
    assert traces(company.portal, email) == []
    assert company.cli("forget-again")[1].startswith("0 people")


def test_ac_p02_texts_of_the_audit_are_cut(company: Company, person: FlaskClient, email: str) -> None:
    """What programs and people wrote about the order goes; that something happened stays."""
    portal = company.portal
    order = company.analysed("test-crash", email=email)
    press(person, email)
    with portal.database.transaction() as session:
        told = session.scalars(select(AuditEntry).where(AuditEntry.order_id == order.id)).all()
    assert "work.failed" in {entry.kind for entry in told}
    assert not any("log" in entry.data or "cause" in entry.data for entry in told)
    assert b'"email": "deleted-' not in portal.storage.get(key_of("order", order.id))  # the record is the job's
    erase(portal, email)
    assert b'"email": "deleted-' in portal.storage.get(key_of("order", order.id))
