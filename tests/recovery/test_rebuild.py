"""An empty database is filled from Stripe and S3 as if it had never been lost."""

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.checkout.settle import settle
from app.checkout.staff_refunds import ask
from app.checkout.transfers import book
from app.delivery.keeping import close_downloads
from app.delivery.service import build
from app.intake.inspection import conclude, look
from app.kit.ids import new_id
from app.models import AuditEntry, Mail, Order, Payment, Refund
from app.orders.jobs import keep_manifest, keep_record
from app.orders.lifecycle import lock
from app.recovery.report import open_findings
from tests.checkout.shop import ask_stripe, audit, mails
from tests.helpers import ROOT, get_json, reload, wait_for
from tests.history.people import log_in
from tests.recovery.company import Company
from tests.workers import worker_named

# What does not come back, and why nobody misses it.
LOST = {
    Order: {
        "grant",  # the secret of an upload that is over: a new one
    },
    Payment: {
        "session_url",  # Stripe's page of a session that is closed
        "session_expires_at",  # of a session that was closed early Stripe tells when that was
        "voucher",  # of a voucher that is not waiting any more
        "voucher_expires_at",
        "look_at",  # looked at again from the beginning
    },
    Refund: set[str](),
}


def fill(company: Company) -> dict[str, Order]:
    """Make one order of each kind, as customers, Stripe and workers do."""
    made = {"unpaid": company.analysed(email="hana@example.jp", filename="売上 報告.csv", locale="en")}
    made["card"], _ = company.bought(email="hana@example.jp", filename="絵文字😀.csv")
    made["awaiting"] = company.analysed(email="hana@example.jp")
    voucher = company.begin_to_pay(made["awaiting"], "konbini")
    company.sandbox.control(f"sessions/{voucher}/issue_voucher")
    settle(voucher)
    made["konbini"], _ = company.bought("konbini", email="hana@example.jp")
    made["rejected"] = company.analysed("test-refuse", email="hana@example.jp")
    made["failed"] = company.analysed("test-crash")
    made["prepaid_unpaid"] = company.upload("test-prepaid")
    made["prepaid"] = company.upload("test-prepaid", email="hana@example.jp")
    settle(company.pay_at_stripe(made["prepaid"]))
    company.analyse(made["prepaid"])
    build(made["prepaid"].id)
    for kind, amounts in (("refunded", {}), ("partly_refunded", {"amount": 100})):
        made[kind], session_id = company.bought(email="hana@example.jp")
        intent = company.payment(session_id).payment_intent_id or ""
        ask_stripe(company.sandbox, "refunds", payment_intent=intent, **amounts)
        settle(session_id)
    made["twice"] = company.analysed()
    first = company.begin_to_pay(made["twice"], "konbini")
    company.sandbox.control(f"sessions/{first}/issue_voucher")
    settle(first)
    settle(company.pay_at_stripe(made["twice"], voucher_known="1"))
    company.sandbox.control(f"sessions/{first}/pay_at_till")
    settle(first)
    build(made["twice"].id)
    made["after_expiry"] = company.analysed()
    late = company.begin_to_pay(made["after_expiry"])
    company.sandbox.control(f"sessions/{late}/expire")
    settle(late)
    settle(company.pay_at_stripe(made["after_expiry"]))
    made["closed"], _ = company.bought()
    with company.portal.database.transaction() as session:
        close_downloads(session, session.get_one(Order, made["closed"].id), company.portal.clock())
    keep_manifest(made["closed"].id)
    for kind in ("transfer", "transfer_back"):
        made[kind] = company.analysed()
        book_transfer(company, made[kind], back=400 if kind == "transfer_back" else 0)
        build(made[kind].id)
        keep_record(made[kind].id)  # as the worker does
    made["open"] = company.analysed()
    company.begin_to_pay(made["open"])
    return {kind: reload(company.portal, order) for kind, order in made.items()}


def book_transfer(company: Company, order: Order, *, back: int) -> None:
    """Have staff book a bank transfer, and send a part of it back by hand."""
    once, portal = new_id(), company.portal
    with portal.database.transaction() as session:
        book(session, lock(session, order.id), actor="staff:a@kaiseki.example", once=once)
    if back:
        with portal.database.transaction() as session:
            lock(session, order.id)
            payment = session.get_one(Payment, once)
            ask(session, payment, back, "r", member="a@kaiseki.example", once=new_id())


def ledger(company: Company) -> dict[str, dict[str, dict[str, Any]]]:
    """Return orders, payments and refunds, without what can't come back."""
    return {
        model.__name__: {
            key: {name: value for name, value in row.items() if name not in lost}
            for key, row in company.rows(model).items()
        }
        for model, lost in LOST.items()
    }


def pages(company: Company, made: dict[str, Order]) -> dict[str, str]:
    """Read what customers see: each order's page, and the history of an address."""
    found = {kind: company.browser(order).get(f"/orders/{order.id}/status").text for kind, order in made.items()}
    client = log_in(company.portal, company.browser(made["card"]), "hana@example.jp")
    history = client.get("/history")
    assert history.status_code == 200
    return {**found, "history": history.text[history.text.index("<main") : history.text.index("</main>")]}


def download(company: Company, order: Order) -> bytes:
    """Download a result as the browser that ordered."""
    click = company.browser(order).get(f"/orders/{order.id}/files/result.zip")
    assert click.status_code == 302, click.text
    with urllib.request.urlopen(click.location) as answer:
        return bytes(answer.read())


def test_everything_comes_back(company: Company) -> None:
    made = fill(company)
    before, seen = ledger(company), pages(company, made)
    zips = {kind: download(company, made[kind]) for kind in ("card", "konbini", "prepaid", "partly_refunded", "twice")}
    queued = {kind: mails(company.portal, order) for kind, order in made.items()}
    already = len(calls(company))

    company.open_ledger()
    code, output = company.cli("rebuild")
    assert code == 0, output
    assert f"{len(made)} orders" in output
    lists = calls(company)[already:]
    assert {call["path"] for call in lists} == {"/v1/checkout/sessions"}
    assert len(lists) == -(-sessions_of_the_account(company) // 100)
    # A file that waits for its payment is looked at once more before it can be paid.
    waits = made["prepaid_unpaid"].id
    assert company.portal.jobs.client.list_workflows(workflow_ids=[f"intake.inspect:{waits}"])
    conclude(waits, look(waits))

    after = ledger(company)
    for name, rows in before.items():
        assert rows.keys() == after[name].keys(), name
        for key, row in rows.items():
            assert after[name][key] == row, (name, key)
    assert pages(company, made) == seen
    for kind, body in zips.items():
        assert download(company, made[kind]) == body
    for order in made.values():
        assert audit(company.portal, order)[0] == "order.restored"
    sent = {kind: set(mails(company.portal, order)) for kind, order in made.items()}
    assert all(set(kinds) <= sent[kind] for kind, kinds in queued.items()), (queued, sent)


def calls(company: Company) -> list[dict[str, Any]]:
    """Return all calls that Stripe has seen."""
    return list(get_json(f"{company.sandbox.stripe}/_control/api/calls?after=0"))


def sessions_of_the_account(company: Company) -> int:
    return len(get_json(f"{company.sandbox.stripe}/_control/api/sessions"))


@pytest.mark.faults
def test_killed_in_every_batch_it_ends_the_same(company: Company) -> None:
    """Killed with -9 before each commit and started again: a batch a life, and the same ledger in the end."""
    for _ in range(3):
        company.bought()
    before = ledger(company)
    company.open_ledger()
    small = "import app.recovery.rebuild as r; r.BATCH = 2; from wsgi import app; app.test_cli_runner()"
    script = f"{small}.invoke(args=['portal', 'rebuild'], catch_exceptions=False)"
    lives = 0
    while True:
        # The first commit of a life goes through, the second one kills it.
        environment = {**os.environ, **company.environment, "FAILPOINT": "rebuild.before_commit:kill9:2"}
        done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, check=False, timeout=60)
        lives += 1
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
    assert lives >= 4
    assert ledger(company) == before
    assert company.cli("rebuild")[0] == 1
    for order_id in before["Order"]:
        with company.portal.database.transaction() as session:
            kinds = select(AuditEntry.kind).where(AuditEntry.order_id == order_id)
            assert list(session.scalars(kinds)) == ["order.restored"]


def test_more_refunds_than_stripe_shows_and_a_dispute(company: Company) -> None:
    """Of these two charges the list does not tell all, so they cost a call more each."""
    many, many_session = company.bought()
    intent = company.payment(many_session).payment_intent_id or ""
    for _ in range(12):
        ask_stripe(company.sandbox, "refunds", payment_intent=intent, amount=10)
    disputed, disputed_session = company.bought()
    charge = company.portal.stripe.retrieve_session(disputed_session)["payment_intent"]["latest_charge"]["id"]
    dispute = company.sandbox.control(f"charges/{charge}/dispute", {"reason": "fraudulent"})
    company.sandbox.control(f"disputes/{dispute['id']}/lose")
    company.open_ledger()
    assert company.cli("rebuild")[0] == 0
    assert len(company.rows(Refund)) == 12
    assert company.payment(many_session).amount_refunded == 120
    assert reload(company.portal, many).money == "partly_refunded"
    assert company.payment(disputed_session).dispute == "lost"
    assert reload(company.portal, disputed).money == "refunded"
    assert company.cli("reconcile")[1].count("mended: nothing") == 1


def test_a_ledger_with_orders_is_left_alone(company: Company) -> None:
    company.upload()
    before = ledger(company)
    code, output = company.cli("rebuild")
    assert (code, "portal reconcile" in output) == (1, True)
    assert ledger(company) == before


def test_what_cannot_be_read_is_told_and_stops_nothing(company: Company) -> None:
    good, lost = company.bought()[0], company.bought()[0]
    company.portal.storage.put(f"orders/{lost.id}.json", b"{ not JSON", "application/json")
    company.portal.storage.put("orders/notes.json", b"{}", "application/json")
    company.open_ledger()
    assert company.cli("rebuild")[0] == 0
    assert company.rows(Order).keys() == {good.id}
    with company.portal.database.transaction() as session:
        found = {(finding.kind, finding.subject) for finding in open_findings(session)}
    (session_id,) = {session_id for kind, session_id in found if kind == "session_without_order"}
    assert found == {
        ("record_unreadable", lost.id),
        ("record_unreadable", "orders/notes.json"),
        ("session_without_order", session_id),
    }


def test_work_that_was_under_way_goes_on(company: Company, folder: Path) -> None:
    """Uploaded: analysed. Paid and not delivered: delivered. Nobody gets a mail a second time."""
    uploaded, paid = company.upload(), company.analysed()
    settle(company.pay_at_stripe(paid))
    company.open_ledger()
    assert company.cli("rebuild")[0] == 0
    with worker_named("restorer", company.environment, folder):
        wait_for(lambda: reload(company.portal, uploaded).state == "analysed", 30, "the analysis")
        wait_for(lambda: reload(company.portal, paid).state == "delivered", 30, "the delivery")
        wait_for(lambda: company.sandbox.mails(uploaded.email), 30, "the mail")
        wait_for(lambda: company.sandbox.mails(paid.email), 30, "the mail")
    assert mail_states(company, paid) == {"choose_payment": "restored", "result_open": "sent"}
    assert [len(company.sandbox.mails(order.email)) for order in (uploaded, paid)] == [1, 1]


def mail_states(company: Company, order: Order) -> dict[str, str]:
    with company.portal.database.transaction() as session:
        found = session.scalars(select(Mail).where(Mail.order_id == order.id)).all()
    return {mail.kind: mail.state for mail in found}
