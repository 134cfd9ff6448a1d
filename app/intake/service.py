"""An order is made, its file arrives, is looked at and frozen. Until then nothing can be analysed or paid."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from app.errors import BadInputError, ConflictError
from app.gateways.storage import NoSuchObjectError, ObjectChangedError, Stored
from app.intake.forms import NewOrder
from app.intake.grants import incoming_key
from app.kit.ids import digest, new_id, new_secret
from app.mail.service import queue_mail
from app.models import Order
from app.orders.lifecycle import move_work, record
from app.orders.records import keep
from app.portal import portal

WAIT_FOR_FILE = timedelta(days=3)


def create_order(asked: NewOrder, claim: str, *, proved: bool) -> Order:
    """Make an order at today's price; `claim` is the secret of the browser that orders (AC-U02).

    `proved`: whoever orders is logged in with the order's address, so it is theirs in every browser from now on.
    """
    now = portal.clock()
    order = Order(
        id=new_id(),
        product=asked.product.key,
        email=asked.email,
        claim_hash=digest(claim),
        locale=asked.locale,
        charge=asked.product.charge,
        price=asked.product.price,
        terms_version=portal.catalog.terms.version,
        state="waiting",
        money="unpaid",
        filename=asked.filename,
        grant=new_secret(),
        declared_size=asked.size,
        declared_sha256=asked.sha256,
        created_at=now,
        proved_at=now if proved else None,
    )
    with portal.database.transaction() as session:
        session.add(order)
        session.flush()
        record(session, order.id, "order.created", "customer", now, product=order.product, price=order.price)
    return order


def confirm_upload(order: Order) -> None:
    """Look at what arrived, freeze it under a key that no grant covers (AC-U03, U04), and start what follows.

    A repeated call changes nothing. Raises ConflictError("not_arrived") where there is no file yet, and
    BadInputError("damaged") where it is not the declared one: it is removed, so that it can be sent again.
    """
    if order.state == "abandoned":
        raise ConflictError
    if order.state != "waiting":
        return
    arrived = _look_at(order)
    sha256 = arrived.sha256 or order.declared_sha256
    now = portal.clock()
    try:
        portal.storage.freeze(incoming_key(order), f"orders/{order.id}.kaiseki", arrived.etag)
    except (NoSuchObjectError, ObjectChangedError):
        raise ConflictError("not_arrived") from None
    facts = {"size": arrived.size, "sha256": sha256, "uploaded_at": now}
    keep(portal.storage, "order", order, **facts)
    take_in(order.id, facts, kept=order)


def take_in(order_id: str, facts: dict[str, Any], *, kept: Order | None = None) -> None:
    """Move an order whose file is frozen on to what follows; `facts` are the columns size, sha256, uploaded_at.

    A repeated call changes nothing. Recovery calls this too, where the ledger forgot that the file has come.
    `kept`: the order as its record was written a moment ago; it is written anew where the owner has changed since.
    """
    with portal.database.transaction() as session:
        order = session.get_one(Order, order_id)
        if not move_work(session, order, "uploaded", "customer", portal.clock(), **facts):
            return
        if kept is not None and (order.email, order.proved_at) != (kept.email, kept.proved_at):
            portal.jobs.enqueue(session, "orders.record", order.id, key=f"orders.record:{order.id}:taken_in")
        if order.charge == "before_analysis":
            queue_mail(session, "choose_payment", order)
        else:
            portal.jobs.enqueue(session, "analysis.run", order.id)


def close_abandoned() -> int:
    """Close orders whose file never came, a hundred at most; returns how many were closed.

    The bucket forgets what lies under `incoming/` after two days, so after three nothing can arrive any more.
    """
    now = portal.clock()
    closed = 0
    with portal.database.transaction() as session:
        waiting = session.scalars(
            select(Order).where(Order.state == "waiting", Order.created_at < now - WAIT_FOR_FILE).limit(100)
        ).all()
        for order in waiting:
            closed += move_work(session, order, "abandoned", "worker", now)
    return closed


def _look_at(order: Order) -> Stored:
    product = portal.catalog.product(order.product)
    if product is None:
        raise ConflictError("unknown_product")
    key = incoming_key(order)
    try:
        arrived = portal.storage.head(key)
    except NoSuchObjectError:
        raise ConflictError("not_arrived") from None
    right_size = 1 <= arrived.size <= product.max_bytes and order.declared_size in {None, arrived.size}
    # Where the store knows no checksum, the analysis compares the declared one with what it reads.
    right_content = arrived.sha256 is None or order.declared_sha256 in {None, arrived.sha256}
    if not (right_size and right_content):
        portal.storage.delete(key)
        raise BadInputError("damaged")
    return arrived
