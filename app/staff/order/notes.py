"""Notes of staff about an order."""

from sqlalchemy.orm import Session

from app.database import insert_once
from app.errors import BadInputError
from app.kit.ids import is_uuid
from app.models import Note, Order
from app.portal import portal
from app.staff.log import write

LONGEST = 2000  # characters


def add_note(session: Session, order: Order, author: str, text: str, once: str) -> None:
    """Put a note to an order; `once` is the id of the form, so that a form sent twice is one note.

    Raises BadInputError. What it says is not in the staff log: a note goes with its order, the log stays.
    """
    text = text.replace("\r\n", "\n").replace("\0", "").strip()  # browsers send a line's end as two characters
    if not text or len(text) > LONGEST:
        raise BadInputError(field="text")
    if not is_uuid(once):
        raise BadInputError(field="once")
    row = {"order_id": order.id, "author": author, "text": text, "created_at": portal.clock()}
    if insert_once(session, Note, id=once, **row):
        write(session, "order.note", f"order:{order.id}")
