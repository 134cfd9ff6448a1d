"""An order passes from the browser that made it to its proved address, and from one address to another.

Whatever changes the owner also has the order's record in the object store written anew, so that a rebuilt ledger
knows the same owner (`orders.record`).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from app.database import insert_once
from app.kit.addresses import masked
from app.models import FormerAddress, Mail, Order
from app.orders.lifecycle import record
from app.portal import portal

UNSENT = ("queued", "failed")


def prove(session: Session, email: str, now: datetime) -> None:
    """Give the orders of an address to whoever proved it: the browsers that made them open them no longer."""
    unproved = (Order.email == email, Order.proved_at.is_(None))
    _lock(session, *unproved)
    proved = session.scalars(update(Order).where(*unproved).values(proved_at=now).returning(Order.id)).all()
    _keep_records(session, proved, now)


def carry_over(session: Session, old: str, new: str, now: datetime) -> None:
    """Give the orders of one proved address to another one; Stripe goes on knowing them by the old one.

    Mails about them that still wait go to the new address.
    """
    _lock(session, Order.email.in_((old, new)))
    prove(session, old, now)
    moved = session.scalars(update(Order).where(Order.email == old).values(email=new).returning(Order.id)).all()
    for order_id in moved:
        record(session, order_id, "order.address_changed", "customer", now, old=masked(old), new=masked(new))
    session.execute(
        update(Mail).where(Mail.to == old, Mail.order_id.is_not(None), Mail.state.in_(UNSENT)).values(to=new)
    )
    _remember(session, old, new, now)
    _keep_records(session, moved, now)


def hand_over(session: Session, order: Order, new: str, now: datetime) -> None:
    """Give one order to another address, as staff do who correct it; the order's row must be locked.

    Its mails that still wait go there. Stripe goes on knowing the order by the old address, and is not asked for that:
    what else was bought with it may be somebody else's.
    """
    order.email = new
    waiting = (Mail.order_id == order.id, Mail.state.in_(UNSENT))
    session.execute(update(Mail).where(*waiting).values(to=new))
    _keep_records(session, [order.id], now)


def former_addresses(session: Session, email: str) -> dict[str, datetime]:
    """Return the addresses whose orders were carried over to this one, each with the time until when it had them."""
    rows = session.scalars(select(FormerAddress).where(FormerAddress.email == email).order_by(FormerAddress.since))
    return {row.former: row.since for row in rows}


def restore_former(session: Session, email: str, former: Mapping[str, datetime]) -> None:
    """Take the former addresses of an order's record into the ledger."""
    for address, since in former.items():
        insert_once(session, FormerAddress, email=email, former=address, since=since)


def _remember(session: Session, old: str, new: str, now: datetime) -> None:
    """Note under which addresses Stripe knows the orders now: after A to B and B to C, both A and B."""
    known = former_addresses(session, old)
    session.execute(delete(FormerAddress).where(FormerAddress.email == old))
    for address, since in {**known, old: now}.items():
        if address != new and not insert_once(session, FormerAddress, email=new, former=address, since=since):
            row = session.get_one(FormerAddress, (new, address))
            row.since = max(row.since, since)


def _lock(session: Session, *which: ColumnElement[bool]) -> None:
    """Lock rows in one order, so that two transactions that want the same ones can't wait for each other."""
    session.execute(select(Order.id).where(*which).order_by(Order.id).with_for_update(key_share=True))


def _keep_records(session: Session, order_ids: Iterable[str], now: datetime) -> None:
    for order_id in order_ids:
        portal.jobs.enqueue(session, "orders.record", order_id, key=f"orders.record:{order_id}:{now.isoformat()}")
