"""The Checkout Sessions of an address, as Stripe tells them, kept for seconds.

Stripe allows 25 lists a second for the whole account (https://docs.stripe.com/rate-limits), so a page that is
reloaded does not ask again, and an address for which Stripe just stayed silent does not make the next view wait either.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import CursorResult, update

from app.database import insert_once
from app.errors import StripeDownError, StripeRefusedError
from app.kit.clock import from_unix
from app.kit.ids import is_uuid
from app.models import StripeHistory
from app.portal import portal

KEPT = timedelta(seconds=20)
AT_ONCE = 8  # addresses; asked for side by side, since somebody waits

log = structlog.get_logger()


@dataclass(frozen=True)
class StripeSession:
    """What the history uses of a Checkout Session. `created` in seconds since 1970, `amount` in yen."""

    id: str
    order_id: str
    created: int
    amount: int
    method: str | None
    complete: bool
    paid: bool


def everything_told(email: str, former: Mapping[str, datetime]) -> list[list[StripeSession] | None]:
    """Return `sessions_of` an address, and of each former one what was made while its orders had it.

    Whoever has that address today may order with it again; those sessions are theirs.
    """
    if not former:
        return [sessions_of(email)]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        asked = [threads.submit(copy_context().run, sessions_of, address) for address in (email, *former)]
        told = [future.result() for future in asked]
    return [told[0], *(_until(since, found) for since, found in zip(former.values(), told[1:], strict=True))]


def _until(since: datetime, found: list[StripeSession] | None) -> list[StripeSession] | None:
    return None if found is None else [session for session in found if from_unix(session.created) <= since]


def sessions_of(email: str) -> list[StripeSession] | None:
    """Return this portal's Checkout Sessions of a canonical address, or None where Stripe does not answer."""
    now = portal.clock()
    with portal.database.transaction() as session:
        kept = session.get(StripeHistory, email)
    if kept is None or not timedelta(0) <= now - kept.fetched_at < KEPT:
        facts = _ask(email)
        _keep(email, facts, now)
    else:
        facts = kept.sessions
    return None if facts["silent"] else [StripeSession(**found) for found in facts["sessions"]]


def _ask(email: str) -> dict[str, Any]:
    try:
        found = portal.stripe.sessions_of_email(email)
    except (StripeDownError, StripeRefusedError) as error:
        # A refused call is a mistake of ours; the customer's results must open all the same (P5).
        # Without the traceback: Stripe's exceptions quote the address that was asked for (AC-P04).
        log.warning("history.stripe_silent", code=error.code, cause=type(error.__cause__).__name__)
        return {"silent": True, "sessions": []}
    # Found by what the payer has at Stripe, who may be anybody: whose order it is, we said ourselves (AC-L20).
    mine = [session for session in found if session.get("customer_email") in {None, email}]
    return {"silent": False, "sessions": [asdict(trimmed) for s in mine if (trimmed := trim(s)) is not None]}


def trim(session: dict[str, Any]) -> StripeSession | None:
    """Return what we use of a Checkout Session, or None where it is not one of this portal's."""
    order_id = str(session.get("client_reference_id") or "")
    if (session.get("metadata") or {}).get("portal") != portal.catalog.portal.id or not is_uuid(order_id):
        return None
    methods = session.get("payment_method_types") or []
    return StripeSession(
        id=session["id"],
        order_id=order_id,
        created=int(session["created"]),
        amount=int(session.get("amount_total") or 0),
        method=methods[0] if len(methods) == 1 else None,
        complete=session.get("status") == "complete",
        paid=session.get("payment_status") == "paid",
    )


def _keep(email: str, facts: dict[str, Any], now: datetime) -> None:
    with portal.database.transaction() as session:
        result = session.execute(
            update(StripeHistory).where(StripeHistory.email == email).values(sessions=facts, fetched_at=now)
        )
        if isinstance(result, CursorResult) and result.rowcount == 0:
            insert_once(session, StripeHistory, email=email, sessions=facts, fetched_at=now)
