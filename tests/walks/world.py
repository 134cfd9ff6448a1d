"""What can happen around one order: the hands of its customer, of Stripe, of the postman and of the worker."""

import itertools
import json
import re
import urllib.error
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.checkout.refunds import give_back
from app.delivery.service import build
from app.kit.clock import system_clock
from app.models import AuditEntry, Mail, Order, Payment, StripeEvent
from app.portal import Portal
from app.recovery.compare import compare
from app.recovery.pace import Pace
from app.recovery.payments import reread
from app.recovery.report import Report
from app.webhooks.service import handle
from tests.checkout.shop import ask_stripe, hidden, order_of
from tests.conftest import Browser
from tests.helpers import Sandbox
from tests.storm.books import Books, Json, Truth
from tests.webhooks.deliveries import deliver, sign

WORK: dict[str, Callable[[str], object]] = {
    "delivery.build": build,
    "payments.refund": lambda payment_id: give_back(payment_id, 1),
}
HURRY = Pace(1e6)
_addresses = itertools.count(1)


@dataclass(frozen=True)
class World:
    """The portal and Stripe, for any number of orders one after another."""

    flask: Flask
    portal: Portal
    stripe: Sandbox
    books: Books


@dataclass
class Story:
    """One order from the moment that it can be paid. `lost` are events that never arrive."""

    world: World
    begun: int
    since: datetime
    client: FlaskClient
    order: Order
    sessions: list[str] = field(default_factory=list)
    delivered: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    @classmethod
    def begin(cls, world: World) -> "Story":
        """Let a new customer order something; it is analysed."""
        client = Browser(world.flask, world.flask.response_class)
        begun, since = world.books.newest(), world.portal.clock()
        return cls(world, begun, since, client, order_of(world.portal, client))

    # --- the customer

    def choose(self, method: str, *, voucher_known: bool) -> str | None:
        """Press the button; return the Checkout Session that it leads to, or None where it leads back."""
        # Another address each time: how often one may try is not what is walked here.
        self.client.environ_base["REMOTE_ADDR"] = f"10.0.{next(_addresses) // 250 % 250}.{next(_addresses) % 250 + 1}"
        page = self.client.get(f"/orders/{self.order.id}/pay", query_string={"method": "card"})
        if page.status_code == 303:
            return None
        assert page.status_code == 200, page.text
        form = {"csrf_token": hidden(page, "csrf_token"), "method": method}
        form |= {"voucher_known": "1"} if voucher_known else {}
        answer = self.client.post(f"/orders/{self.order.id}/pay", data=form)
        assert answer.status_code == 303, answer.text
        found = re.search(r"cs_\w+", answer.location)
        if found and found[0] not in self.sessions:
            self.sessions.append(found[0])
        return found[0] if found else None

    def come_back(self, session_id: str) -> None:
        """Open the page that Stripe leads back to."""
        answer = self.client.get(f"/orders/{self.order.id}/return", query_string={"session_id": session_id})
        assert answer.status_code in {200, 303}, answer.text

    def may_pay(self) -> bool:
        """Tell whether the page to pay opens."""
        return self.client.get(f"/orders/{self.order.id}/pay").status_code == 200

    def download(self) -> int:
        """Return the status that the download answers with."""
        return self.client.get(f"/orders/{self.order.id}/files/result.zip").status_code

    # --- Stripe

    def play(self, path: str, body: Json | None = None) -> bool:
        """Play a moment at the stand-in; returns whether it could happen."""
        return _possible(lambda: self.world.stripe.control(path, body))

    def refund(self, session_id: str, amount: int | None) -> bool:
        """Refund by the dashboard."""
        (session,) = (s for s in self.made("checkout.session") if s["id"] == session_id)
        params: dict[str, Any] = {"payment_intent": session["payment_intent"]}
        if not session["payment_intent"]:
            return False
        return _possible(
            lambda: ask_stripe(self.world.stripe, "refunds", **params, **({"amount": amount} if amount else {}))
        )

    def made(self, kind: str) -> list[Json]:
        """Return the order's objects of a kind at Stripe, oldest first."""
        found = self.world.books.since(self.begun, kind)
        if kind == "checkout.session":
            return [body for body in found if body["client_reference_id"] == self.order.id]
        if kind == "event":
            return [body for body in found if body["_sandbox"]["session"] in self.sessions]
        mine = {session["payment_intent"] for session in self.made("checkout.session")}
        return [body for body in found if body["payment_intent"] in mine]

    def truth(self) -> Truth:
        """Return what Stripe shows of the order."""
        return self.world.books.truths(self.begun).get(self.order.id, Truth(()))

    # --- the postman

    def pending(self) -> list[Json]:
        """Return the events that were not delivered yet."""
        return [event for event in self.made("event") if event["id"] not in {*self.delivered, *self.lost}]

    def post(self, event: Json) -> None:
        """Deliver an event; it may have come before."""
        body = json.dumps({k: v for k, v in event.items() if k != "_sandbox"}).encode()
        ahead = (self.world.portal.clock() - system_clock()).total_seconds()
        answer = deliver(self.client, body, sign(body, late=-round(ahead)))
        assert answer.status_code == 200, answer.text
        if event["id"] not in self.delivered:
            self.delivered.append(event["id"])

    # --- the worker

    def handle_events(self) -> int:
        """Handle what was received."""
        query = select(StripeEvent.id).where(StripeEvent.id.in_(self.delivered), StripeEvent.state == "received")
        with self.world.portal.database.transaction() as session:
            received = session.scalars(query).all()
        for event_id in received:
            handle(event_id)
        return len(received)

    def run_jobs(self) -> int:
        """Run the jobs of delivery and checkout that are enqueued; each is done once, as on a real queue."""
        client = self.world.portal.jobs.client
        jobs = client.list_workflows(status="ENQUEUED", name=list(WORK), load_output=False)
        for job in jobs:
            assert job.input is not None
            WORK[job.name](job.input["args"][0])
            client.cancel_workflow(job.workflow_id)
        return len(jobs)

    def look_again(self) -> None:
        """Let the reconciler look at payments that are due."""
        reread(Report(), HURRY)

    def compare(self) -> None:
        """Compare what Stripe has with the ledger, as every day."""
        compare(Report(), HURRY, since=self.since)

    def work_off(self) -> None:
        """Deliver all that is on its way and do all that follows, until nothing does."""
        while True:
            for event in self.pending():
                self.post(event)
            if not self.handle_events() + self.run_jobs() and not self.pending():
                return

    def settle(self) -> None:
        """Work off all; what was lost is found by the daily comparison."""
        self.work_off()
        if self.lost:
            self.compare()
            self.work_off()

    # --- the ledger

    def now(self) -> Order:
        """Read the order anew."""
        with self.world.portal.database.transaction() as session:
            return session.get_one(Order, self.order.id)

    def payments(self) -> dict[str, Payment]:
        """Return the attempts to pay by their session."""
        with self.world.portal.database.transaction() as session:
            rows = session.scalars(select(Payment).where(Payment.order_id == self.order.id))
            return {str(payment.session_id): payment for payment in rows}

    def audited(self) -> list[str]:
        """Return the kinds of the audit entries, oldest first."""
        with self.world.portal.database.transaction() as session:
            query = select(AuditEntry.kind).where(AuditEntry.order_id == self.order.id).order_by(AuditEntry.id)
            return list(session.scalars(query))

    def mails(self) -> list[str]:
        """Return the kinds of mails that were queued."""
        with self.world.portal.database.transaction() as session:
            return list(session.scalars(select(Mail.kind).where(Mail.order_id == self.order.id)))


def _possible(act: Callable[[], object]) -> bool:
    try:
        act()
    except urllib.error.HTTPError as error:
        if error.code >= 500:
            raise
        return False
    return True
