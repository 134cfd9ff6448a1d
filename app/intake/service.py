"""An order is made, its file arrives and is frozen: from three sides, to one effect.

The browser says that it has sent the file, the object store's event says that it has come (`app.intake.events`), and
where neither was heard a job finds it (`app.intake.sweep`). All call `confirm_upload`. What is in the file is looked at
next (`app.intake.inspection`); until then nothing can be analysed or paid.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from sqlalchemy import or_, select, update

from app.errors import BadInputError, ConflictError
from app.gateways.storage import NoSuchObjectError, ObjectChangedError, Stored
from app.intake.forms import NewOrder
from app.intake.grants import CONTENT_TYPE, count_of_parts, in_parts, incoming_key, length_of_part
from app.kit.failpoints import fail_point
from app.kit.filenames import display_name
from app.kit.ids import digest, new_id, new_secret
from app.models import Order
from app.orders.lifecycle import move_work, record
from app.orders.records import keep
from app.portal import portal

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import PartTypeDef

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


def resume_upload(order: Order, filename: str, size: int) -> tuple[Order, Sequence[int]]:
    """Return a waiting order that its file can be sent to, and which of its parts are there already.

    A multipart upload goes on where it was, unless it is gone or used up: then another is begun. Raises ConflictError
    where no file is awaited, or one of unknown size (by the plain form), and BadInputError("another_file").
    """
    if order.state != "waiting" or order.declared_size is None:
        raise ConflictError
    if (display_name(filename), size) != (order.filename, order.declared_size):
        raise BadInputError("another_file", field="file")
    if _size_of_arrived(order) == size:
        return order, range(1, count_of_parts(size) + 1)
    if not in_parts(size):
        return order, ()
    try:
        arrived = {part["PartNumber"]: part["Size"] for part in _parts(order)}
    except NoSuchObjectError:
        return _begin_anew(order), ()
    return order, [number for number, length in arrived.items() if length == length_of_part(size, number)]


def _begin_anew(order: Order) -> Order:
    begun = portal.storage.begin_upload(incoming_key(order), CONTENT_TYPE)
    with portal.database.transaction() as session:
        # Of two tabs that come back at once, the second goes on with what the first began.
        known = Order.upload_id.is_not_distinct_from(order.upload_id)
        session.execute(update(Order).where(Order.id == order.id, known).values(upload_id=begun))
    return _read(order.id)


def declare_checksum(order: Order, sha256: str) -> None:
    """Keep the SHA-256 (hex) that a small file has which is about to be sent: it may be confirmed by anybody then."""
    with portal.database.transaction() as session:
        session.execute(
            update(Order).where(Order.id == order.id, Order.state == "waiting").values(declared_sha256=sha256)
        )


def bind_checksum(order: Order, sha256: str) -> None:
    """Keep the SHA-256 (hex) that the browser says its file has, before the file is confirmed.

    Where another one was said before, what has arrived may be of two files: it is removed, so that it can be sent anew,
    and BadInputError("damaged") raised.
    """
    if order.state != "waiting":
        return
    with portal.database.transaction() as session:
        free = or_(Order.declared_sha256.is_(None), Order.declared_sha256 == sha256)
        bound = session.execute(
            update(Order).where(Order.id == order.id, Order.state == "waiting", free).values(declared_sha256=sha256)
        )
    if bound.rowcount != 1 and _read(order.id).state == "waiting":  # type: ignore[attr-defined]
        _start_over(order)


def confirm_upload(order_id: str, by: str = "customer") -> None:
    """Look at what arrived, freeze it under a key that no grant covers (AC-U03, U04), and start what follows.

    A repeated call changes nothing, nor do calls at once. `by`: who noticed, for the audit. Raises
    ConflictError("not_arrived") where the file is not there (whole), and BadInputError("damaged") where it is not the
    declared one: it is removed, so that it can be sent again.
    """
    order = _read(order_id)
    if order.state == "abandoned":
        raise ConflictError
    if order.state != "waiting":
        return
    _complete(order)
    arrived = _look_at(order)
    # Of a file in parts the composite checksum was declared: its SHA-256 is known when its content is looked at.
    sha256 = arrived.sha256 or (None if in_parts(order.declared_size) else order.declared_sha256)
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


def parts_are_there(order: Order, quiet_since: datetime) -> bool:
    """Tell whether all parts of a file have arrived, the last of them before a moment."""
    try:
        parts = _parts(order)
    except NoSuchObjectError:
        return False
    return _sum(parts) == order.declared_size and all(part["LastModified"] < quiet_since for part in parts)


def _complete(order: Order) -> None:
    """Let a file appear that has come in parts; where it has appeared already, nothing is left to do."""
    try:
        parts = _parts(order)
        if _sum(parts) != order.declared_size:
            raise ConflictError("not_arrived")
        portal.storage.complete_upload(incoming_key(order), order.upload_id or "", parts)
    except NoSuchObjectError:
        return


def _parts(order: Order) -> "Sequence[PartTypeDef]":
    if order.upload_id is None:
        raise NoSuchObjectError
    return portal.storage.parts(incoming_key(order), order.upload_id)


def _sum(parts: "Sequence[PartTypeDef]") -> int:
    return sum(part["Size"] for part in parts)


def _look_at(order: Order) -> Stored:
    product = portal.catalog.product(order.product)
    if product is None:
        raise ConflictError("unknown_product")
    try:
        arrived = portal.storage.head(incoming_key(order))
    except NoSuchObjectError:
        raise ConflictError("not_arrived") from None
    right_size = 1 <= arrived.size <= product.max_bytes and order.declared_size in {None, arrived.size}
    # Where the store knows no checksum, the declared one is compared when the content is looked at.
    right_content = arrived.sha256 is None or order.declared_sha256 in {None, arrived.sha256}
    if not (right_size and right_content):
        _start_over(order)
    return arrived


def _start_over(order: Order) -> NoReturn:
    """Throw away what arrived, so that the file can be sent anew; raises BadInputError("damaged")."""
    portal.storage.delete(incoming_key(order))
    if order.upload_id is not None:
        portal.storage.abort_upload(incoming_key(order), order.upload_id)
    with portal.database.transaction() as session:
        session.execute(
            update(Order)
            .where(Order.id == order.id, Order.state == "waiting")
            .values(declared_sha256=None, upload_id=None)
        )
    raise BadInputError("damaged")


def _size_of_arrived(order: Order) -> int | None:
    try:
        return portal.storage.head(incoming_key(order)).size
    except NoSuchObjectError:
        return None


def _read(order_id: str) -> Order:
    with portal.database.transaction() as session:
        return session.get_one(Order, order_id)
