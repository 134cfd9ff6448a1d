"""An order is made, its file arrives and is frozen: from three sides, to one effect.

The browser says that it has sent the file, the object store's event says that it has come (`app.intake.events`), and
where neither was heard a job finds it (`app.intake.sweep`). All call `confirm_upload`. What is in the file is looked at
next (`app.intake.inspection`); until then nothing can be analysed or paid.
"""

from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from app.errors import BadInputError, ConflictError
from app.gateways.storage import NoSuchObjectError, ObjectChangedError, Stored
from app.intake.forms import NewOrder
from app.intake.grants import CONTENT_TYPE, in_parts, incoming_key
from app.kit.failpoints import fail_point
from app.kit.ids import digest, new_id, new_secret
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
    if in_parts(order.declared_size):
        order.upload_id = portal.storage.begin_upload(incoming_key(order), CONTENT_TYPE)
    with portal.database.transaction() as session:
        session.add(order)
        session.flush()
        record(session, order.id, "order.created", "customer", now, product=order.product, price=order.price)
    return order


def resume_upload(order: Order) -> tuple[Order, bool]:
    """Return a waiting order with a multipart upload that its file can be sent to, and whether the file has come whole.

    The upload is the one that was begun before, with the parts that have arrived, unless it is gone or used up.
    Raises ConflictError where no file is awaited, or where the order does not know its size (sent by the plain form).
    """
    if order.state != "waiting" or order.declared_size is None:
        raise ConflictError
    if _size_of_arrived(order) == order.declared_size:
        return order, True
    known = order.upload_id
    if not in_parts(order.declared_size) or (known and portal.storage.upload_is_open(incoming_key(order), known)):
        return order, False
    begun = portal.storage.begin_upload(incoming_key(order), CONTENT_TYPE)
    with portal.database.transaction() as session:
        # Of two tabs that come back at once, the second goes on with what the first began.
        session.execute(update(Order).where(Order.id == order.id, Order.upload_id == known).values(upload_id=begun))
    return _read(order.id), False


def bind_checksum(order: Order, sha256: str | None) -> None:
    """Keep the SHA-256 (hex) of a file that was hashed while it was sent, before it can appear as a whole.

    It is declared once: later calls must say the same, or nothing. Raises BadInputError.
    """
    if order.declared_sha256 is None and sha256 is not None:
        with portal.database.transaction() as session:
            session.execute(
                update(Order)
                .where(Order.id == order.id, Order.state == "waiting", Order.declared_sha256.is_(None))
                .values(declared_sha256=sha256)
            )
        order = _read(order.id)
    if order.declared_sha256 is None or sha256 not in {None, order.declared_sha256}:
        raise BadInputError(field="file")


def confirm_upload(order: Order, by: str = "customer") -> None:
    """Look at what arrived, freeze it under a key that no grant covers (AC-U03, U04), and start what follows.

    A repeated call changes nothing, nor do calls at once. `by`: who noticed, for the audit. Raises
    ConflictError("not_arrived") where there is no file yet, and BadInputError("damaged") where it is not the declared
    one: it is removed, so that it can be sent again.
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
    fail_point("intake.frozen")
    facts = {"size": arrived.size, "sha256": sha256, "uploaded_at": now}
    keep(portal.storage, "order", order, **facts)
    take_in(order.id, facts, kept=order, by=by)


def take_in(order_id: str, facts: dict[str, Any], *, kept: Order | None = None, by: str = "customer") -> None:
    """Move an order whose file is frozen on to what follows; `facts` are the columns size, sha256, uploaded_at.

    A repeated call changes nothing. Recovery calls this too, where the ledger forgot that the file has come.
    `kept`: the order as its record was written a moment ago; it is written anew where the owner has changed since.
    """
    with portal.database.transaction() as session:
        order = session.get_one(Order, order_id)
        if not move_work(session, order, "uploaded", by, portal.clock(), **facts):
            return
        if kept is not None and (order.email, order.proved_at) != (kept.email, kept.proved_at):
            portal.jobs.enqueue(session, "orders.record", order.id, key=f"orders.record:{order.id}:taken_in")
        portal.jobs.enqueue(session, "intake.inspect", order.id)


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


def _size_of_arrived(order: Order) -> int | None:
    try:
        return portal.storage.head(incoming_key(order)).size
    except NoSuchObjectError:
        return None


def _read(order_id: str) -> Order:
    with portal.database.transaction() as session:
        return session.get_one(Order, order_id)
