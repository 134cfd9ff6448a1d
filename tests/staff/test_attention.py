"""The inbox at work: taken by one, let go, closed with a reason, brought back; with htmx and without JavaScript."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask, current_app
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.models import Attention, AuditEntry, Finding, Order
from app.portal import Portal
from app.staff.attention import desk
from app.staff.attention.service import thing_of
from app.webhooks.missed import SILENCE
from tests.helpers import free_port, make_order, make_payment, wait_for
from tests.login.steps import post
from tests.staff.member import Member, log_of, member
from tests.workers import worker_named

INBOX = "/staff/attention"


@dataclass(frozen=True)
class Desk:
    """A portal of its own with two members of staff and one order that needs attention."""

    portal: Portal
    app: Flask
    anna: Member
    bob: Member
    order: Order

    def do(self, who: Member, deed: str, *, kind: str = "analysis_failed", subject: str = "", **form: str) -> str:
        """Send a form of the inbox, and return the page that follows."""
        answer = post(who.client, f"{INBOX}/{deed}", kind=kind, subject=subject or self.order.id, **form)
        assert (answer.status_code, answer.location) == (303, INBOX), answer.text
        return who.client.get(INBOX).text

    def row(self) -> Attention:
        """Return what staff said of the order."""
        with self.portal.database.transaction() as session:
            return session.get_one(Attention, ("analysis_failed", self.order.id))


@pytest.fixture
def house(own_house: tuple[Portal, dict[str, str]]) -> Desk:
    """Give an inbox with one thing in it."""
    portal, app = own_house[0], current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    order = make_order(portal, state="failed", attention="analysis_failed")
    return Desk(portal, app, member(portal, app), member(portal, app, "refunder"), order)


def htmx(who: Member, deed: str, **form: str) -> TestResponse:
    """Send a form as htmx does."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', who.client.get(INBOX).text)
    assert found is not None
    data = {"csrf_token": found[1], **form}
    return who.client.post(f"{INBOX}/{deed}", data=data, headers={"HX-Request": "true"})


def test_one_takes_it_and_the_other_sees_who(house: Desk) -> None:
    assert "Nobody has it" in house.bob.client.get(INBOX).text
    assert "It is yours." in house.do(house.anna, "take", seen="")
    page = house.bob.client.get(INBOX).text
    assert house.anna.email in page
    assert "Take it over" in page
    assert "Somebody else was faster" in house.do(house.bob, "take", seen="")
    assert house.row().taken_by == house.anna.email
    assert "It is yours." in house.do(house.bob, "take", seen=house.anna.email)
    assert house.row().taken_by == house.bob.email
    assert "It is not yours" in house.do(house.anna, "let-go")
    assert "Nobody has it now." in house.do(house.bob, "let-go")
    assert house.row().taken_by is None
    entries = log_of(house.portal, f"analysis_failed:{house.order.id}")
    assert [(e.action, e.member) for e in entries] == [
        ("attention.taken", house.anna.email),
        ("attention.taken", house.bob.email),
        ("attention.let_go", house.bob.email),
    ]


def test_many_at_once_one_has_it(house: Desk) -> None:
    """Two people press the button in the same moment: the row is one person's, and the others learn it."""
    portal, names = house.portal, [f"{n}@kaiseki.example" for n in range(8)]
    with portal.database.transaction() as session:
        thing = thing_of(session, "analysis_failed", house.order.id, portal.clock())
    assert thing is not None

    def take(name: str) -> bool:
        with house.app.app_context(), portal.database.transaction() as session:
            return desk.take(session, thing, name, "", portal.clock())

    with ThreadPoolExecutor(8) as hands:
        done = dict(zip(names, hands.map(take, names), strict=True))
    assert [name for name, mine in done.items() if mine] == [house.row().taken_by]


def test_closed_with_a_reason_and_brought_back(house: Desk) -> None:
    for nothing in ("", "   ", "x" * 501):
        assert "Please say" in house.do(house.anna, "close", reason=nothing)
    assert "It is closed." in house.do(house.anna, "close", reason="the customer sends another file")
    assert "Nothing needs attention." in house.anna.client.get(INBOX).text
    assert "This is dealt with" in house.do(house.bob, "close", reason="me too")
    page = house.bob.client.get(f"{INBOX}/closed").text
    for told in ("Analysis failed", house.order.id, house.anna.email, "the customer sends another file"):
        assert told in page
    with house.portal.database.transaction() as session:
        kinds = session.scalars(select(AuditEntry.kind).where(AuditEntry.order_id == house.order.id)).all()
    assert kinds == ["staff.attention_closed"]
    last = log_of(house.portal, f"analysis_failed:{house.order.id}")[-1]
    assert (last.action, last.reason) == ("attention.closed", "the customer sends another file")
    post(house.bob.client, f"{INBOX}/closed/reopen", kind="analysis_failed", subject=house.order.id)
    assert "Analysis failed" in house.bob.client.get(INBOX).text
    assert "Nothing was closed yet." in house.bob.client.get(f"{INBOX}/closed").text


def test_what_was_put_right_meanwhile_is_gone_by_itself(house: Desk) -> None:
    with house.portal.database.transaction() as session:
        session.get_one(Order, house.order.id).attention = None
    assert "This is dealt with" in house.do(house.anna, "take", seen="")
    with house.portal.database.transaction() as session:
        assert session.get(Attention, ("analysis_failed", house.order.id)) is None


def test_htmx_gets_the_one_thing(house: Desk) -> None:
    form = {"kind": "analysis_failed", "subject": house.order.id}
    taken = htmx(house.anna, "take", seen="", **form)
    assert taken.status_code == 200
    assert taken.headers["HX-Trigger"] == "attention"
    assert taken.text.count("<li ") + taken.text.count("<li>") >= 1
    assert "<html" not in taken.text
    assert "Let go of it" in taken.text
    mark = re.search(r'id="(t[0-9a-f]{16})"', taken.text)
    assert mark is not None
    assert f'hx-target="#{mark[1]}"' in house.anna.client.get(INBOX).text
    closed = htmx(house.anna, "close", reason="done", **form)
    assert "It is closed." in closed.text
    assert "<form" not in closed.text


def test_the_number_beside_its_name(house: Desk) -> None:
    assert f'hx-get="{INBOX}/count"' in house.anna.client.get("/staff/orders").text
    assert ">1<" in house.anna.client.get(f"{INBOX}/count").text
    house.do(house.anna, "close", reason="done")
    assert house.anna.client.get(f"{INBOX}/count").text.strip() == ""


def test_actions_stand_beside_it_for_those_who_may(house: Desk) -> None:
    make_payment(house.portal, make_order(house.portal, state="delivered", money="paid", attention="refund_failed"),
                 state="paid", payment_intent_id="pi_x")  # fmt: skip
    again, refund = f"/staff/orders/{house.order.id}/do/again", "/do/refund"
    looks = {who: who.client.get(INBOX).text for who in (house.anna, house.bob)}
    assert again in looks[house.anna]
    assert refund not in looks[house.anna]
    assert refund in looks[house.bob]
    viewer = member(house.portal, house.app, "viewer").client
    page = viewer.get(INBOX).text
    assert "Analysis failed" in page
    assert '<form method="post" action="/staff/attention' not in page
    assert again not in page
    assert post(viewer, f"{INBOX}/take", kind="analysis_failed", subject=house.order.id, seen="").status_code == 403


def test_filters(house: Desk) -> None:
    client = house.anna.client
    assert "Analysis failed</h2>" in client.get(f"{INBOX}?kind=analysis_failed&whose=free").text
    for query in ("kind=disputed", "whose=mine"):
        page = client.get(f"{INBOX}?{query}").text
        assert "Nothing of this kind." in page
    for query in ("kind=x", "whose=x"):
        assert client.get(f"{INBOX}?{query}").status_code == 422


@pytest.mark.parametrize(
    "form", [{"kind": "x", "subject": "y"}, {"kind": "disputed"}, {"kind": "disputed", "subject": "x" * 201}]
)
def test_nonsense_is_refused(form: dict[str, str], house: Desk) -> None:
    assert post(house.anna.client, f"{INBOX}/take", **form).status_code == 422


def test_unknown_deeds_do_not_exist(house: Desk) -> None:
    answer = post(house.anna.client, f"{INBOX}/eat", kind="disputed", subject="x")
    assert answer.status_code == 404


def test_silence_is_one_thing(house: Desk) -> None:
    make_payment(house.portal, make_order(house.portal), created_at=house.portal.clock() - SILENCE - timedelta(hours=1))
    assert "No events come from Stripe" in house.anna.client.get(INBOX).text
    page = house.do(house.anna, "close", kind="events_silent", subject="stripe", reason="known outage")
    assert "No events come from Stripe</h2>" not in page


def test_a_finding_leads_to_all_of_them_and_says_what_it_means(house: Desk) -> None:
    now = house.portal.clock()
    with house.portal.database.transaction() as session:
        session.add(
            Finding(id=house.order.id, kind="session_gone", subject="cs_x", first_seen_at=now, last_seen_at=now)
        )
    page = house.anna.client.get(INBOX).text
    for told in ("Stripe does not know this Checkout Session", "cs_x", 'href="/staff/findings"'):
        assert told in page


@pytest.fixture
def stopped(house: Desk, own_house: tuple[Portal, dict[str, str]], tmp_path: Path) -> Desk:
    """Give a house in which Stripe could not be reached until two jobs gave up: a scheduled one and one by hand."""
    portal, environment = own_house
    long_ago = portal.clock() - timedelta(hours=1)
    make_payment(portal, make_order(portal), state="creating", session_id=None, created_at=long_ago)
    with portal.database.transaction() as session:
        portal.jobs.enqueue(session, "payments.reconcile", "by hand")
    nowhere = {**environment, "STRIPE_API_BASE": f"http://127.0.0.1:{free_port()}"}
    with worker_named("stopped", nowhere, tmp_path):
        wait_for(lambda: set(dead(house.anna.client)) >= {"payments.reconcile", "payments.reconcile:by hand"}, 90)
    return house


def dead(client: FlaskClient) -> list[str]:
    """Return the jobs of the inbox."""
    page = client.get(f"{INBOX}?kind=job_dead").text
    return list(dict.fromkeys(re.findall(r'name="subject" value="([^"]+)"', page)))


def test_a_job_that_failed_for_good_is_run_once_more(
    stopped: Desk, own_house: tuple[Portal, dict[str, str]], tmp_path: Path
) -> None:
    """A real worker that can't reach Stripe gives its jobs up; a real one that can does them again."""
    portal, environment = own_house
    page = stopped.anna.client.get(f"{INBOX}?kind=job_dead").text
    assert "MaxStepRetriesExceeded" in page, page
    job = {"kind": "job_dead", "subject": "payments.reconcile:by hand"}
    assert "This job runs by itself." in stopped.do(
        stopped.anna, "run-again", kind="job_dead", subject="payments.reconcile"
    )
    assert "The job runs once more." in stopped.do(stopped.anna, "run-again", **job)
    assert "This is dealt with" in stopped.do(stopped.anna, "run-again", **job)
    with portal.database.transaction() as session:
        portal.jobs.enqueue(session, "payments.reconcile", (portal.clock() + timedelta(days=1)).isoformat())
    with worker_named("going", environment, tmp_path):
        wait_for(lambda: "payments.reconcile" not in dead(stopped.anna.client), 60, "the success of the scheduled job")
        again = "payments.reconcile:by hand:again"
        wait_for(lambda: [j.status for j in portal.jobs.client.list_workflows(workflow_ids=[again])] == ["SUCCESS"])
