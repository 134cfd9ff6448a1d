"""The till of a shop that no worker works for: orders that were paid at Stripe, and refunds that staff ask for."""

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask, current_app
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.catalog import RefundRules
from app.checkout.settle import settle
from app.checkout.staff_refunds import carry_out, requests_of
from app.models import LoginSession, Order, Payment, RefundRequest
from app.portal import EXTENSION, Portal
from tests.checkout.shop import payments, session_for
from tests.helpers import Sandbox, make_order
from tests.staff import desk


@dataclass(frozen=True)
class Till:
    """A portal of its own, in its context, at the common Stripe stand-in."""

    portal: Portal
    flask: Flask
    sandbox: Sandbox

    def member(self, role: str = "refunder") -> FlaskClient:
        """Give the browser of another member of staff, who has just given the second factor."""
        return desk.member(self.portal, self.flask, role)

    def bought(self, method: str = "card", **columns: Any) -> Order:
        """Give an order that was paid."""
        order = make_order(self.portal, state="analysed", **columns)
        self.paid(order, method)
        return order

    def paid(self, order: Order, method: str = "card") -> None:
        """Have an order paid, be it once more."""
        _, session_id = session_for(self.portal, order, state="expired", method=method)
        if method == "card":
            self.sandbox.control(f"sessions/{session_id}/pay_card")
        else:
            self.sandbox.control(f"sessions/{session_id}/issue_voucher")
            self.sandbox.control(f"sessions/{session_id}/pay_at_till")
        settle(session_id)

    def payment(self, order: Order) -> Payment:
        """Read the order's only payment."""
        (found,) = payments(self.portal, order)
        return found

    def asked(self, order: Order) -> list[RefundRequest]:
        """Read what staff asked for, oldest first."""
        with self.portal.database.transaction() as session:
            return [request for request, _ in requests_of(session, order.id)]

    def work(self) -> int:
        """Do what the worker would do for refunds that were agreed to; returns how many jobs there were."""
        client = self.portal.jobs.client
        jobs = client.list_workflows(status="ENQUEUED", name=["payments.staff_refund"], load_output=False)
        for job in jobs:
            assert job.input is not None
            assert carry_out(job.input["args"][0], 1)
            client.cancel_workflow(job.workflow_id)
        return len(jobs)

    def at_stripe(self, order: Order, name: str = "status") -> list[Any]:
        """Ask Stripe for a field of all refunds of the order's payments, oldest first."""
        found = []
        for payment in payments(self.portal, order):
            request = urllib.request.Request(
                f"{self.sandbox.stripe}/v1/refunds?payment_intent={payment.payment_intent_id}",
                headers={"Authorization": "Bearer sk_test_dummy_for_the_stand_in"},
            )
            with urllib.request.urlopen(request, timeout=10) as answer:
                found += [refund[name] for refund in reversed(json.load(answer)["data"])]
        return found

    def two_people_above(self, patch: pytest.MonkeyPatch, limit: int) -> None:
        """Let the catalog have another limit for a while; `limit` in yen."""
        catalog = self.portal.catalog.model_copy(update={"refunds": RefundRules(two_people_above=limit)})
        patch.setitem(current_app.extensions, EXTENSION, replace(self.portal, catalog=catalog))

    def time_passes(self, by: timedelta) -> None:
        """Make every second factor older."""
        with self.portal.database.transaction() as session:
            for row in session.scalars(select(LoginSession).where(LoginSession.proved_at.is_not(None))):
                assert row.proved_at is not None
                session.execute(
                    update(LoginSession).where(LoginSession.id == row.id).values(proved_at=row.proved_at - by)
                )


def tills(house: Portal, sandbox: Sandbox) -> Iterator[Till]:
    """Open a till in the current context; Stripe is healthy before and after."""
    sandbox.control("faults/clear")
    yield Till(house, current_app._get_current_object(), sandbox)  # type: ignore[attr-defined]  # noqa: SLF001
    sandbox.control("faults/clear")
