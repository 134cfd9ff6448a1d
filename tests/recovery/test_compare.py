"""The whole comparison: what is clear is mended, what is not is told, and what is gone is told no more."""

import re
from datetime import timedelta
from typing import Any

import pytest

from app.checkout.settle import settle
from app.delivery.service import build
from app.models import Finding, Order, Refund
from app.orders.records import key_of
from app.recovery.compare import compare
from app.recovery.pace import Pace
from app.recovery.report import Report, open_findings
from tests.checkout.shop import ask_stripe, payments, session_for
from tests.helpers import get_json, make_order, make_payment, reload
from tests.recovery.company import Company


def run(company: Company) -> Report:
    report = Report()
    compare(report, Pace(1000))
    return report


def found(company: Company) -> set[tuple[str, str]]:
    with company.portal.database.transaction() as session:
        return {(finding.kind, finding.subject) for finding in open_findings(session)}


def change(company: Company, model: type[Any], key: str, **columns: Any) -> None:
    with company.portal.database.transaction() as session:
        row = session.get_one(model, key)
        for name, value in columns.items():
            setattr(row, name, value)


def reads(company: Company, after: int) -> list[str]:
    """Return the addresses of the portal's GET calls to Stripe."""
    calls = get_json(f"{company.sandbox.stripe}/_control/api/calls?after={after}")
    return [call["path"] for call in calls if call["method"] == "GET"]


def test_where_all_agrees_only_pages_are_read(company: Company) -> None:
    company.bought()
    company.bought("konbini")
    company.analysed()
    before = get_json(f"{company.sandbox.stripe}/_control/api/calls?after=0")[-1]["seq"]
    report = run(company)
    assert set(reads(company, before)) == {"/v1/checkout/sessions"}
    assert (report.looked["order"], report.looked["session"]) == (3, 2)
    assert (report.mended, found(company)) == ({}, set())


def test_paid_at_stripe_and_locked_here_is_opened(company: Company) -> None:
    order = company.analysed()
    company.pay_at_stripe(order)
    assert run(company).mended == {"payment": 1}
    assert reload(company.portal, order).money == "paid"
    assert run(company).mended == {}


def test_a_late_slip_of_an_attempt_that_was_over_is_found(company: Company) -> None:
    """Nobody looks at a failed payment any more, but once a day."""
    order, session_id = company.bought("konbini")
    change(company, type(company.payment(session_id)), company.payment(session_id).id, state="failed", paid_at=None)
    change(company, Order, order.id, money="unpaid", paid_at=None, state="analysed")
    assert run(company).mended == {"payment": 1}
    assert reload(company.portal, order).money == "paid"


def test_a_refund_that_no_event_told_of(company: Company) -> None:
    order, session_id = company.bought()
    ask_stripe(company.sandbox, "refunds", payment_intent=company.payment(session_id).payment_intent_id or "")
    assert run(company).mended == {"payment": 1}
    assert reload(company.portal, order).money == "refunded"


def test_a_refund_that_came_through_and_moved_no_money(company: Company) -> None:
    _, session_id = company.bought("konbini")
    intent = company.payment(session_id).payment_intent_id or ""
    refund = ask_stripe(company.sandbox, "refunds", payment_intent=intent)
    settle(session_id)
    assert company.rows(Refund)[refund["id"]]["state"] == "requires_action"
    company.sandbox.control(f"refunds/{refund['id']}/outcome", {"status": "succeeded"})
    assert run(company).mended == {"payment": 1}
    assert company.rows(Refund)[refund["id"]]["state"] == "succeeded"


def test_another_amount_is_told_not_opened(company: Company) -> None:
    order = company.analysed()
    _, session_id = session_for(company.portal, order, price=999, portal_id=company.portal.catalog.portal.id)
    company.sandbox.control(f"sessions/{session_id}/pay_card")
    run(company)
    assert reload(company.portal, order).money == "unpaid"
    assert found(company) == {("amount_mismatch", session_id)}
    with company.portal.database.transaction() as session:
        (finding,) = open_findings(session, order.id)
        assert finding.detail == {"ledger": 1000, "stripe": 999}


def test_paid_here_and_not_at_stripe(company: Company) -> None:
    order = company.analysed()
    session_id = company.begin_to_pay(order)
    change(company, type(company.payment(session_id)), company.payment(session_id).id, state="paid")
    change(company, Order, order.id, money="paid")
    other = make_order(company.portal, state="analysed", money="paid", uploaded_at=company.portal.clock())
    company.portal.storage.put(f"results/{other.id}/run/a", b"a", "text/plain")
    run(company)
    assert found(company) == {("paid_here_only", session_id), ("open_without_payment", other.id)}


def test_a_finding_is_one_row_while_it_lasts_and_closes_by_itself(company: Company) -> None:
    order = make_order(company.portal, state="analysed", money="paid", uploaded_at=company.portal.clock())
    company.portal.storage.put(f"results/{order.id}/run/a", b"a", "text/plain")
    run(company)
    run(company)
    (row,) = company.rows(Finding).values()
    assert row["first_seen_at"] < row["last_seen_at"]
    assert row["closed_at"] is None
    change(company, Order, order.id, money="unpaid")
    run(company)
    (row,) = company.rows(Finding).values()
    assert row["closed_at"] is not None


def test_a_session_that_the_ledger_forgot_is_taken_in(company: Company) -> None:
    order, session_id = company.bought()
    with company.portal.database.transaction() as session:
        session.delete(session.merge(company.payment(session_id)))
    change(company, Order, order.id, money="unpaid", paid_at=None, state="analysed", delivery=None, delivered_at=None)
    # Young sessions may be on their way into the ledger; this one is old.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.recovery.compare.YOUNG", timedelta(0))
        assert run(company).mended["payment"] == 1
    (payment,) = payments(company.portal, order)
    assert (payment.session_id, payment.state, payment.amount) == (session_id, "paid", 1000)
    assert payment.terms_version == company.portal.catalog.terms.version
    assert reload(company.portal, order).money == "paid"


def test_two_open_sessions_become_one(company: Company) -> None:
    """P2: Stripe made a session and answered 500; the customer has gone on with another attempt."""
    order = company.analysed()
    kept = company.begin_to_pay(order)
    given_up, hidden = session_for(
        company.portal, order, state="abandoned", portal_id=company.portal.catalog.portal.id, price=1000
    )
    run(company)
    assert company.portal.stripe.retrieve_session(hidden)["status"] == "expired"
    assert company.portal.stripe.retrieve_session(kept)["status"] == "open"
    states = {payment.id: payment.state for payment in payments(company.portal, order)}
    assert sorted(states.values()) == ["expired", "open"]
    assert states[given_up.id] == "expired"
    assert found(company) == set()


def test_money_for_an_order_that_nobody_knows(company: Company) -> None:
    order = company.analysed()
    session_id = company.pay_at_stripe(order)
    company.portal.storage.delete(f"orders/{order.id}.json")
    company.open_ledger()
    company.upload()  # an empty ledger would be a matter of rebuilding
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.recovery.compare.YOUNG", timedelta(0))
        run(company)
    assert found(company) == {
        ("session_without_order", session_id),
        ("input_without_order", order.id),
        ("result_without_order", order.id),
    }


def test_an_empty_ledger_is_not_filled_by_the_way(company: Company) -> None:
    """A worker that starts on a new database compares at once: 100,000 orders would be asked for one by one."""
    company.bought()
    company.open_ledger()
    assert run(company).looked == {}
    assert found(company) == {("ledger_lost", "ledger")}
    assert company.rows(Order) == {}
    assert company.cli("rebuild")[0] == 0
    assert company.cli("reconcile")[0] == 0


def test_a_session_that_stripe_does_not_know(company: Company) -> None:
    order, _ = company.bought()
    then = company.portal.clock() + timedelta(seconds=1)
    make_payment(company.portal, order, state="expired", session_id="cs_test_nobody_knows", created_at=then)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.recovery.compare.YOUNG", timedelta(seconds=-60))
        run(company)
    assert found(company) == {("session_gone", "cs_test_nobody_knows")}


def test_an_upload_that_the_ledger_forgot_goes_on(company: Company) -> None:
    order = company.upload()
    change(company, Order, order.id, state="waiting", size=None, sha256=None, uploaded_at=None)
    assert run(company).mended == {"upload": 1}
    again = reload(company.portal, order)
    assert (again.state, again.size, again.uploaded_at) == ("uploaded", order.size, order.uploaded_at)
    assert company.portal.jobs.client.list_workflows(workflow_ids=[f"analysis.run:{order.id}"])


def test_records_that_are_gone_are_written_anew(company: Company) -> None:
    order, _ = company.bought()
    storage = company.portal.storage
    keys = [key_of(part, order.id) for part in ("order", "analysis", "delivery")]
    records = [storage.get(key) for key in keys]
    for key in keys:
        storage.delete(key)
    assert run(company).mended == {"record": 3}
    assert [storage.get(key) for key in keys] == records
    assert run(company).mended == {}


def test_a_deliverable_that_is_gone_is_put_together_again(company: Company) -> None:
    order, _ = company.bought()
    key = f"results/{order.id}/result.zip"
    body = company.portal.storage.get(key)
    company.portal.storage.delete(key)
    assert run(company).mended == {"deliverable": 1}
    assert company.portal.storage.get(key) == body
    company.portal.storage.delete_all(f"results/{order.id}/")
    run(company)
    assert found(company) == {("deliverable_missing", order.id)}


def test_inputs_and_results_that_are_gone(company: Company) -> None:
    uploaded, analysed, paid = company.upload(), company.analysed(), company.bought()[0]
    company.portal.storage.delete(f"orders/{uploaded.id}.kaiseki")
    company.portal.storage.delete_all(f"results/{analysed.id}/")
    change(company, Order, paid.id, money="unpaid")
    with company.portal.database.transaction() as session:
        for payment in payments(company.portal, paid):
            session.delete(session.merge(payment))
    run(company)
    assert found(company) == {
        ("input_missing", uploaded.id),
        ("result_missing", analysed.id),
        ("result_unpaid", paid.id),
    }


def test_reconcile_prints_and_says_by_its_exit_code_whether_something_is_left(company: Company) -> None:
    order = company.analysed()
    company.pay_at_stripe(order)
    code, output = company.cli("reconcile")
    assert code == 0, output
    assert re.search(r"^mended: .*\b1 x payment$", output, re.MULTILINE)
    make_order(company.portal, state="waiting", money="paid")
    code, output = company.cli("reconcile", "--since", "30d")
    assert code == 1
    assert "found   open_without_payment" in output
    assert company.cli("reconcile", "--since", "soon")[0] == 2
    settle(payments(company.portal, order)[0].session_id or "")
    build(order.id)
