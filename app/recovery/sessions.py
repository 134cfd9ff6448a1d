"""Checkout Sessions of ours as Stripe lists them, and attempts to pay that are known from them alone."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.exc import IntegrityError

from app.checkout.facts import SessionFacts, read_session
from app.checkout.fees import look_back
from app.checkout.settle import NotOurSessionError, settle
from app.database import insert_once
from app.errors import StripeDownError, StripeRefusedError
from app.gateways.stripe import NoSuchSessionError
from app.models import Order, Payment
from app.orders.lifecycle import move_payment
from app.portal import portal
from app.recovery.pace import Pace
from app.recovery.report import find

ACTOR = "recovery"

log = structlog.get_logger()


def pages(pace: Pace, *, since: datetime | None = None, after: str | None = None) -> Iterator[list[dict[str, Any]]]:
    """Yield the account's sessions a page (100) at a time, newest first, those of other business included."""
    more = True
    while more:
        pace.wait()
        page, more = portal.stripe.list_sessions(since=since, after=after)
        if page:
            after = str(page[-1]["id"])
            yield page


def ours(page: list[dict[str, Any]], pace: Pace) -> list[SessionFacts]:
    """Return what this portal's sessions of a page say.

    A list shows of a charge that it is disputed and its ten newest refunds; the rest is asked for, for those few.
    """
    mine = [raw for raw in page if (raw.get("metadata") or {}).get("portal") == portal.catalog.portal.id]
    for raw in mine:
        intent = raw.get("payment_intent") or {}
        charge = intent.get("latest_charge") or {}
        if charge.get("disputed"):
            pace.wait()
            charge["disputes"] = portal.stripe.disputes_of_intent(intent["id"])
        if (charge.get("refunds") or {}).get("has_more"):
            pace.wait()
            charge["refunds"] = {"data": portal.stripe.refunds_of_intent(intent["id"]), "has_more": False}
    return [read_session(raw) for raw in mine]


def attempt_of(facts: SessionFacts, order: Order) -> dict[str, Any]:
    """Return the columns of the attempt behind a session, all but its state.

    Sessions that were made before their metadata held price, handling and terms: what Stripe took beyond the order's
    price was the handling.
    """
    told = facts.metadata
    price = _number(told.get("price"), order.price)
    handling = _number(told.get("handling"), max(0, facts.amount_total - price))
    return {
        "id": told.get("attempt") or facts.id,
        "order_id": order.id,
        "method": facts.method or "card",
        "price": price,
        "handling": handling,
        "amount": price + handling,
        "terms_version": told.get("terms") or "unknown",
        "session_id": facts.id,
        "session_url": facts.url,
        "session_expires_at": facts.expires_at,
        "created_at": _moment(told.get("begun_at"), facts.created_at),
    }


def adopt(facts: SessionFacts, order_id: str) -> bool:
    """Take a session that Stripe has and the ledger lacks into the ledger; returns whether it did.

    The attempt enters as one that was given up, which any news from Stripe moves on; `settle` comes next. False where
    another session of the order is open: then this one is not (or we would have two, which staff must see).
    """
    now = portal.clock()
    with portal.database.transaction() as session:
        columns = attempt_of(facts, session.get_one(Order, order_id))
        insert_once(session, Payment, **columns, state="abandoned", amount_refunded=0)
        payment = session.get(Payment, columns["id"])
        if payment is None or payment.session_id not in {None, facts.id}:
            return False
        payment.session_id = facts.id
        payment.session_url, payment.session_expires_at = facts.url, facts.expires_at
        look_back(session, facts.created_at)
        session.flush()
    if facts.status == "open":
        try:
            with portal.database.transaction() as session:
                move_payment(session, session.get_one(Payment, columns["id"]), "opened", ACTOR, now)
        except IntegrityError:
            return False
    return True


def try_settle(session_id: str, order_id: str, pace: Pace) -> None:
    """Settle a session; one that is gone, or that can't be settled, is reported and keeps no other from its turn.

    Raises StripeDownError and StripeRefusedError, which concern all sessions.
    """
    pace.wait()
    try:
        settle(session_id)
    except (NoSuchSessionError, NotOurSessionError):
        find("session_gone", session_id, order_id)
    except (StripeDownError, StripeRefusedError):
        raise
    except Exception as error:
        log.exception("recovery.cannot_settle", session_id=session_id)
        find("cannot_settle", session_id, order_id, why=type(error).__name__)


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isdecimal() else otherwise


def _moment(text: str | None, otherwise: datetime) -> datetime:
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return otherwise
    return at if at.tzinfo else otherwise
