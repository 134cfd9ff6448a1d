"""The table of retention, rule by rule, with a moved clock (AC-P01)."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import current_app
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.delivery.keeping import give_notice, keep_longer
from app.kit import failpoints
from app.kit.clock import JST
from app.models import (
    AuditEntry,
    Mail,
    Order,
    Payment,
)
from app.orders.files import remove_gone
from app.orders.jobs import keep_manifest
from app.portal import EXTENSION, Portal
from app.privacy.retention import RETENTION, apply
from app.privacy.work import Files
from tests.checkout.shop import audit
from tests.helpers import ROOT, make_order, make_payment, reload, wait_for
from tests.history.people import log_in
from tests.privacy.conftest import Clock
from tests.privacy.looks import comparison, gone, set_columns, versions
from tests.recovery.company import Company
from tests.workers import worker_named

DAY = timedelta(days=1)
FILES = [name for name, rule in RETENTION.items() if isinstance(rule.work, Files)]
STILL_OWED = (
    ("analysed", "paid"),
    ("failed", "paid"),
    ("rejected", "partly_refunded"),
    ("analysing", "unpaid"),
    ("uploaded", "unpaid"),
    ("uploaded", "paid"),
    ("waiting", "unpaid"),
)


def notify(portal: Portal) -> None:
    """Do the hourly job that tells of last days, as if it were noon of this day in Japan."""
    day = portal.clock().astimezone(JST).replace(hour=12)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(current_app.extensions, EXTENSION, replace(portal, clock=lambda: day))
        give_notice()


def to_last_day(portal: Portal, clock: Clock, order: Order) -> None:
    """Move on to the mail about the order's last day, and behind that day."""
    kept_until = reload(portal, order).kept_until
    assert kept_until is not None
    clock.pass_days((kept_until - portal.clock()) / DAY - 7)
    notify(portal)
    clock.pass_days(7.1)


def keep_to_table(portal: Portal) -> dict[str, int]:
    """Do the daily job, and the jobs that it leads to."""
    met = {name: apply(name) for name in RETENTION}
    delete_files(portal)
    return {name: count for name, count in met.items() if count}


def delete_files(portal: Portal, but: Order | None = None) -> None:
    """Do the jobs that delete files, of all orders but one."""
    for order_id, (input_gone, _) in gone(portal).items():
        if input_gone and (but is None or but.id != order_id):
            jobs = portal.jobs.client.list_workflows(name="privacy.files", load_input=True)
            assert any(job.input["args"][0] == order_id for job in jobs if job.input)
            remove_gone(order_id)


def prefixes(company: Company, order: Order) -> set[str]:
    """Return under which prefixes something of an order is left, in whatever version."""
    keys = [key for key, _ in versions(company.portal) if order.id in key]
    return {"record" if key.endswith(f"{order.id}.json") else key.partition("/")[0] for key in keys}


def test_ac_p01_file_and_result_go_when_their_time_is_over(company: Company, clock: Clock, client: FlaskClient) -> None:
    """A file goes 30 days after the result, a result after its last day, in all versions; pages say since when."""
    order, _ = company.bought()
    browser = company.browser(order)
    page, download = f"/orders/{order.id}?lang=en", f"/orders/{order.id}/files/result.zip"
    company.portal.storage.put(f"orders/{order.id}.kaiseki", b"an older version", "text/plain")
    clock.pass_days(29)
    assert "the customer's file" not in keep_to_table(company.portal)
    clock.pass_days(2)
    assert keep_to_table(company.portal) == {"the customer's file": 1}
    assert prefixes(company, order) == {"record", "previews", "results"}
    assert browser.get(download).status_code == 302
    assert "The file that you sent was deleted on" in browser.get(page).text
    assert comparison(company) == ({}, set())

    clock.pass_days(180 - 31 - 7)
    notify(company.portal)
    clock.pass_days(6)
    assert "previews and results" not in keep_to_table(company.portal)
    clock.pass_days(2)
    assert keep_to_table(company.portal)["previews and results"] == 1
    assert prefixes(company, order) == {"record"}
    answer = browser.get(download + "?lang=en")
    assert (answer.status_code, "deleted for good" in answer.text) == (410, True)
    assert browser.get(f"/orders/{order.id}/preview/plot.png").status_code == 410
    shown = browser.get(page).text
    assert "The time to download this result is over" in shown
    assert "The result was deleted on" in shown
    assert "files.deleted" in audit(company.portal, order)
    listed = log_in(company.portal, browser, order.email).get("/history?lang=en").text
    assert "Deleted on" in listed
    assert "/files/result.zip" not in listed
    assert comparison(company) == ({}, set())
    assert keep_to_table(company.portal) == {}


def test_ac_p01_no_result_goes_before_its_customer_was_written_to(company: Company, clock: Clock) -> None:
    """Without the mail, and before its seven days are over, what is paid for stays; what was refunded needs no mail."""
    (paid, _), (refunded, _) = company.bought(), company.bought()
    set_columns(company.portal, Order, refunded.id, money="refunded")
    clock.pass_days(400)
    assert keep_to_table(company.portal)["previews and results"] == 1
    assert gone(company.portal)[paid.id] == (True, False)
    assert gone(company.portal)[refunded.id] == (True, True)
    notify(company.portal)
    clock.pass_days(6)
    assert "previews and results" not in keep_to_table(company.portal)
    clock.pass_days(2)
    assert keep_to_table(company.portal)["previews and results"] == 1
    assert prefixes(company, paid) == {"record"}


def test_ac_p01_a_result_that_is_kept_longer_stays_longer(company: Company, clock: Clock) -> None:
    """Thirty days more count, also in a ledger that was rebuilt; then there is another mail before the end."""
    order, _ = company.bought()
    last = order.kept_until
    assert last is not None
    clock.pass_days(180 - 7)
    notify(company.portal)
    clock.pass_days(4)
    with company.portal.database.transaction() as session:
        keep_longer(session, session.get_one(Order, order.id), last.isoformat())
    keep_manifest(order.id)
    clock.pass_days(5)
    assert "previews and results" not in keep_to_table(company.portal)
    company.open_ledger()
    assert company.cli("rebuild")[0] == 0
    assert reload(company.portal, order).kept_until == last + 30 * DAY
    assert gone(company.portal)[order.id] == (True, False)
    to_last_day(company.portal, clock, order)
    assert keep_to_table(company.portal)["previews and results"] == 1


def test_ac_p01_a_rebuilt_ledger_does_not_bring_files_back(company: Company, clock: Clock) -> None:
    """After a rebuild the same files are gone since the same days, and nothing is analysed or delivered anew."""
    paid, _ = company.bought()
    unpaid, stopped = company.analysed(), company.bought()[0]
    to_last_day(company.portal, clock, paid)
    for name in RETENTION:
        apply(name)
    failpoints.arm("privacy.record_written:raise")
    with pytest.raises(failpoints.FailPointError):
        remove_gone(stopped.id)
    delete_files(company.portal, but=stopped)
    before = {order.id: reload(company.portal, order) for order in (paid, unpaid, stopped)}
    company.open_ledger()
    assert company.cli("rebuild")[0] == 0
    for order_id, was in before.items():
        now = reload(company.portal, was)
        assert (now.state, now.money) == (was.state, was.money)
        assert (now.input_gone_at, now.result_gone_at) == (was.input_gone_at, was.result_gone_at)
        assert now.result_gone_at is not None, order_id
        assert now.preview is None
    assert comparison(company) == ({"left over": 1}, set())
    assert prefixes(company, stopped) == {"record"}
    for job in ("analysis.run", "delivery.build"):
        assert company.portal.jobs.client.list_workflows(name=job) == []


def test_ac_p01_what_comes_back_is_deleted_again(company: Company, clock: Clock) -> None:
    """What a late job writes after the deletion goes with the daily comparison."""
    order, _ = company.bought()
    to_last_day(company.portal, clock, order)
    keep_to_table(company.portal)
    company.portal.storage.put(f"results/{order.id}/result.zip", b"late", "application/zip")
    company.portal.storage.put(f"orders/{order.id}.kaiseki", b"late", "text/plain")
    assert comparison(company) == ({"left over": 1}, set())
    assert prefixes(company, order) == {"record"}


def test_ac_p01_unpaid_orders(company: Company, clock: Clock) -> None:
    """Unpaid files go 7 days after the last deadline, without a voucher 30 days after the order; and nobody can pay."""
    portal = company.portal
    now = portal.clock()
    voucher = {"state": "failed", "method": "konbini"}
    after_voucher, without, tried_again = company.analysed(), company.analysed(), company.analysed()
    make_payment(portal, after_voucher, voucher_expires_at=now, **voucher)
    make_payment(portal, tried_again, voucher_expires_at=now, **voucher)
    make_payment(portal, tried_again, state="expired", session_expires_at=now + 3 * DAY)
    clock.pass_days(6.9)
    assert set(keep_to_table(portal)) <= {"uploads"}
    clock.pass_days(0.2)
    assert keep_to_table(portal)["files of unpaid orders"] == 1
    assert prefixes(company, after_voucher) == {"record"}
    page = company.browser(after_voucher).get(f"/orders/{after_voucher.id}?lang=en").text
    assert "It was not paid in time" in page
    assert company.browser(after_voucher).get(f"/orders/{after_voucher.id}/pay").status_code == 303
    clock.pass_days(3)
    assert keep_to_table(portal)["files of unpaid orders"] == 1
    assert gone(portal)[without.id] == (False, False)
    clock.pass_days(20)
    assert keep_to_table(portal)["files of unpaid orders without a voucher"] == 1
    assert gone(portal)[without.id] == (True, True)
    assert comparison(company)[1] == {"session_gone"}  # of the attempts that this test made up


def test_ac_p01_what_is_paid_or_may_be_paid_is_not_touched(company: Company, clock: Clock) -> None:
    """Never touched: paid and not delivered, a voucher or page that is open, work that goes on."""
    portal = company.portal
    now = portal.clock()
    for state, money in STILL_OWED:
        make_order(portal, state=state, money=money, uploaded_at=now, analysed_at=now)
    for state in ("awaiting", "open", "creating"):
        order = make_order(portal, state="analysed", uploaded_at=now, analysed_at=now, input_gone_at=now)
        make_payment(portal, order, state=state, voucher_expires_at=now)
    clock.pass_days(400)
    for name in FILES:
        assert apply(name) == 0, name


def test_ac_p01_uploads_that_nobody_ended(company: Company, clock: Clock) -> None:
    """What lies under incoming/ goes after three days, half-sent uploads too."""
    portal, order = company.portal, company.upload(arrives=False)
    key = f"incoming/{order.id}/{order.grant}"
    portal.storage.put(key, b"never confirmed", "text/plain")
    begun = portal.storage._s3.create_multipart_upload(Bucket=portal.storage.bucket, Key=f"{key}-large")  # noqa: SLF001
    clock.pass_days(2)
    assert apply("uploads") == 0
    clock.pass_days(2)
    assert apply("uploads") == 1
    assert versions(portal, "incoming/") == []
    left = portal.storage._s3.list_multipart_uploads(Bucket=portal.storage.bucket)  # noqa: SLF001
    assert begun["UploadId"] not in {upload["UploadId"] for upload in left.get("Uploads", [])}


def test_ac_p01_the_ledger_forgets_after_its_time(company: Company, clock: Clock) -> None:
    """After the years that tax law asks for an order goes with all of it, and is not brought back from Stripe."""
    order, session_id = company.bought()
    clock.pass_days(RETENTION["orders, payments and refunds"].after.days - 1)
    keep_to_table(company.portal)
    assert reload(company.portal, order).money == "paid"
    clock.pass_days(2)
    assert keep_to_table(company.portal)["orders, payments and refunds"] == 1
    with company.portal.database.transaction() as session:
        for model in (Order, Payment, Mail, AuditEntry):
            assert session.scalar(select(func.count()).select_from(model)) == 0
    assert versions(company.portal) == []
    assert company.portal.stripe.retrieve_session(session_id)["payment_status"] == "paid"
    make_order(company.portal, state="abandoned")  # an empty ledger would be a matter of rebuilding
    assert comparison(company) == ({}, set())


def test_ac_p01_dry_run_tells_and_changes_nothing(company: Company, clock: Clock) -> None:
    """`portal retention --dry-run` prints what each rule would meet; without it the same is done."""
    order, _ = company.bought()
    clock.pass_days(31)
    code, output = company.cli("retention", "--dry-run")
    assert code == 0
    assert "       1  the customer's file: deleted, all versions, 30 days after the result" in output
    assert gone(company.portal)[order.id] == (False, False)
    assert "       1  the customer's file" in company.cli("retention")[1]
    assert gone(company.portal)[order.id] == (True, False)


def test_ac_p01_money_that_comes_too_late_calls_for_staff(company: Company, clock: Clock) -> None:
    """A slip paid after the files are gone opens nothing, and staff are told."""
    from app.delivery.service import build  # noqa: PLC0415

    order = company.analysed()
    clock.pass_days(31)
    keep_to_table(company.portal)
    set_columns(company.portal, Order, order.id, money="paid")
    build(order.id)
    assert reload(company.portal, order).attention == "delivery_failed"


def test_ac_p01_the_page_of_the_docs_is_the_table() -> None:
    """docs/privacy.md shows the table as the code has it."""
    page = (ROOT / "docs" / "privacy.md").read_text()
    lines = [f"| {name} | {rule.after.days} days | {rule.since} | {rule.then} |" for name, rule in RETENTION.items()]
    assert "\n".join(lines) in page


@pytest.mark.parametrize("name", RETENTION)
def test_ac_p01_every_rule_runs_on_an_empty_house(company: Company, name: str) -> None:
    """A rule that meets nothing says so."""
    assert apply(name) == 0


POINTS = ("retention.before_commit", "retention.after_commit", "privacy.record_written", "privacy.files_removed")


@pytest.mark.parametrize("point", POINTS)
def test_ac_p01_stopped_anywhere_it_goes_on(company: Company, clock: Clock, point: str) -> None:
    """A run that dies at any step leaves an order whole or marked, and the next one ends what it began."""
    order, _ = company.bought()
    to_last_day(company.portal, clock, order)
    failpoints.arm(f"{point}:raise")
    try:
        with pytest.raises(failpoints.FailPointError):
            keep_to_table(company.portal)
    finally:
        failpoints.arm(None)
    marked = gone(company.portal)[order.id]
    if point == "retention.before_commit":
        assert marked == (False, False)
        assert company.browser(order).get(f"/orders/{order.id}/files/result.zip").status_code == 302
    keep_to_table(company.portal)
    assert gone(company.portal)[order.id] == (True, True)
    assert prefixes(company, order) == {"record"}
    assert comparison(company) == ({}, set())


def test_ac_p01_a_worker_keeps_to_the_table_by_itself(company: Company, clock: Clock, folder: Path) -> None:
    """The daily job marks, and the jobs it makes delete: nobody has to ask."""
    order, _ = company.bought()
    to_last_day(company.portal, clock, order)
    with worker_named(f"keeper-{order.id[:8]}", company.environment, folder):
        with company.portal.database.transaction() as session:
            company.portal.jobs.enqueue(session, "privacy.retention", "a day of this test")
        wait_for(lambda: prefixes(company, order) == {"record"}, 60, "the files to go")
    assert gone(company.portal)[order.id] == (True, True)
