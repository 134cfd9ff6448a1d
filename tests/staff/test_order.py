"""One order in the back office."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.kit.ids import new_id
from app.models import (
    BalanceTransaction,
    Mail,
    Note,
    Order,
    Payment,
    Refund,
    RefundRequest,
    Run,
    StaffLogEntry,
    StripeEvent,
)
from app.orders.lifecycle import move_work, record
from app.portal import Portal
from app.settings import Settings
from app.staff.stripe_links import customer_link, payment_link
from tests.helpers import Sandbox, make_order, make_payment
from tests.history.people import log_in
from tests.staff_login.steps import new_member


@pytest.fixture
def staff(portal: Portal, client: FlaskClient) -> FlaskClient:
    """Give a browser in which a member of staff is logged in."""
    return log_in(portal, client, f"staff-{new_id()}@kaiseki.example", staff=True)


def test_all_that_is_known_of_an_order_is_there(
    portal: Portal, staff: FlaskClient, sandbox: Sandbox, email: str
) -> None:
    files = [{"slug": "result.zip", "name": "結果.zip", "key": "results/x/result.zip", "size": 1234, "type": "zip"}]
    order = make_order(
        portal, email=email, state="waiting", money="paid", size=5_000_000, sha256="ab" * 32,
        attention="double_payment", delivery={"files": files},
    )  # fmt: skip
    payment = make_payment(portal, order, state="paid", payment_intent_id=f"pi_{new_id()}", stripe_email="other@x.jp")
    with portal.database.transaction() as session:
        move_work(
            session,
            session.get_one(Order, order.id),
            "uploaded",
            "customer",
            portal.clock() + timedelta(seconds=1),
        )
        record(session, order.id, "staff.note", "staff:a@b.example", portal.clock(), text="<b>called</b>")
        session.add(
            Refund(
                id=f"re_{order.id}", payment_id=payment.id, amount=500, state="requires_action",
                created_at=portal.clock(),
            )
        )  # fmt: skip
        for number, fee in enumerate((54, 126)):
            session.add(
                BalanceTransaction(
                    id=f"txn_{number}_{order.id}", payment_id=payment.id, type="payment", amount=1500, fee=fee,
                    net=1500 - fee, created_at=portal.clock(),
                )
            )  # fmt: skip
        session.add(
            RefundRequest(
                id=new_id(), payment_id=payment.id, amount=700, reason="paid by mistake", state="waiting",
                asked_by="second@b.example", asked_at=portal.clock(),
            )
        )  # fmt: skip
        session.add(
            Note(id=new_id(), order_id=order.id, author="a@b.example", text="待ち合わせ", created_at=portal.clock())
        )
        session.add(
            StripeEvent(
                id=f"evt_of_this_order_{order.id}", type="refund.updated", object_id=f"re_{order.id}", state="dead",
                attempts=12, received_at=portal.clock(),
            )
        )  # fmt: skip
        session.add(
            Mail(
                id=new_id(), dedup_key=f"{order.id}:result_open", kind="result_open", order_id=order.id,
                to=email, locale="ja", params={}, state="sent", created_at=portal.clock(),
                sent_at=portal.clock(),
            )
        )  # fmt: skip
    answer = staff.get(f"/staff/orders/{order.id}?lang=en")
    assert answer.status_code == 200
    text = answer.text
    for part in (
        order.id, email, "other@x.jp", "Paid twice", "File arrived", "staff.note", "a@b.example",
        "&lt;b&gt;called&lt;/b&gt;", f"re_{order.id}", "Waiting for the customer", "Result ready to download", "Sent",
        f"orders/{order.id}.kaiseki", "5 MB", "results/x/result.zip", "1.2 KB", "ab" * 32, "Waits for a second member",
        "second@b.example", "paid by mistake", "evt_of_this_order", "refund.updated", "待ち合わせ",
        f"{sandbox.stripe}/_control#{payment.session_id}", str(payment.payment_intent_id), "JST",
    ):  # fmt: skip
        assert part in text, part
    story = text.partition('id="timeline"')[2]
    assert story.index("staff.note") < story.index("File arrived")
    assert 'Fee that Stripe took</dt><dd><span class="price">¥180</span></dd>' in text
    forms = set(re.findall(r'<form[^>]*action="([^"]+)"', text))
    assert forms == {"/logout", f"/staff/orders/{order.id}/notes"}, "it reads only, but for a note"


def test_runs_are_shown_with_what_they_wrote(portal: Portal, staff: FlaskClient) -> None:
    order = make_order(portal, state="analysing")
    now = portal.clock()
    columns: dict[str, Any] = {"order_id": order.id, "engine": "local", "program": "python -m analyses.x"}
    with portal.database.transaction() as session:
        session.add(
            Run(
                id=new_id(), **columns, outcome="failed", cause="exit code 3", exit_code=3, peak_memory=250_000_000,
                log="<b>Traceback</b>", started_at=now - timedelta(minutes=2), ended_at=now,
            )
        )  # fmt: skip
        session.add(Run(id=new_id(), **columns, started_at=now))
    text = staff.get(f"/staff/orders/{order.id}?lang=en").text
    for part in ("python -m analyses.x", "exit code 3", "250 MB", "&lt;b&gt;Traceback&lt;/b&gt;", "Failed", "Running"):
        assert part in text, part


def test_a_fresh_order_shows_what_is_not_there_yet(portal: Portal, staff: FlaskClient) -> None:
    text = staff.get(f"/staff/orders/{make_order(portal).id}?lang=en").text
    for part in (
        "Nothing yet.",
        "Nobody has tried to pay yet.",
        "No mail was written yet.",
        "Nothing has run yet.",
        "No note yet.",
        "Stripe has not told of this order yet.",
        "not yet",
    ):
        assert part in text


@pytest.mark.parametrize("order_id", ["x", new_id(), new_id().upper(), "%00"], ids=["x", "free", "upper", "nul"])
def test_an_unknown_order_is_not_found(staff: FlaskClient, order_id: str) -> None:
    assert staff.get(f"/staff/orders/{order_id}").status_code == 404


def test_ac_s05_who_looked_at_an_order_is_in_the_staff_log(portal: Portal, staff: FlaskClient) -> None:
    """Each look is an entry; a look at an order that does not exist is none."""
    order, other = make_order(portal), make_order(portal)
    for path in (order.id, f"{order.id}?show=mails", f"{order.id}?show=x", other.id, new_id()):
        staff.get(f"/staff/orders/{path}")
    with portal.database.transaction() as session:
        query = select(StaffLogEntry.action, StaffLogEntry.role).where(StaffLogEntry.object == f"order:{order.id}")
        assert session.execute(query).all() == [("order.see", "support")] * 2


def test_ac_s02_a_viewer_sees_no_action(portal: Portal, client: FlaskClient) -> None:
    order = make_order(portal, state="analysed")
    new_member(portal, client, f"staff-{new_id()}@kaiseki.example", role="viewer")
    text = client.get(f"/staff/orders/{order.id}").text
    led = set(re.findall(rf'(?:href|action)="/staff/orders/{order.id}/([^"/]+)', text))
    assert led == set(), "an order without mails leads a viewer nowhere"
    assert 'href="/staff/log"' not in text


def _settings(settings: Settings, key: str) -> Settings:
    return settings.model_copy(update={"stripe_api_base": None, "stripe_api_key": type(settings.stripe_api_key)(key)})


def test_links_lead_to_the_dashboard_of_the_keys_mode(settings: Settings) -> None:
    payment = Payment(payment_intent_id="pi_1", customer_id="cus_1", session_id="cs_1")
    test, live = _settings(settings, "sk_test_dummy"), _settings(settings, "rk_live_dummy")
    assert payment_link(test, payment) == "https://dashboard.stripe.com/test/payments/pi_1"
    assert payment_link(live, payment) == "https://dashboard.stripe.com/payments/pi_1"
    assert customer_link(test, payment) == "https://dashboard.stripe.com/test/customers/cus_1"
    assert payment_link(settings, payment) == f"{settings.stripe_api_base}/_control#cs_1"
    assert customer_link(settings, payment) is None
    assert payment_link(live, Payment()) is None
