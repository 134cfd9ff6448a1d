"""Views of the list that a member of staff keeps under a name of their own."""

from collections.abc import Sequence
from urllib.parse import urlencode

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.database import insert_once
from app.errors import BadInputError, ConflictError
from app.kit.ids import new_id
from app.models import SavedView
from app.portal import portal
from app.staff.listing.asked import Asked

MOST = 30
LONGEST_NAME = 60  # characters
LONGEST_QUERY = 1000  # characters


def views_of(session: Session, member: str) -> Sequence[SavedView]:
    """Return a member's views by name."""
    return session.scalars(select(SavedView).where(SavedView.member == member).order_by(SavedView.name)).all()


def keep(session: Session, member: str, name: str, asked: Asked) -> None:
    """Keep what is asked for under a name, in place of what had this name. Raises BadInputError, ConflictError."""
    query = urlencode(asked.kept)
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise BadInputError(field="name")
    if len(query) > LONGEST_QUERY:
        raise BadInputError(field="q")
    forget(session, member, name)
    if (session.scalar(select(func.count()).where(SavedView.member == member)) or 0) >= MOST:
        raise ConflictError
    insert_once(session, SavedView, id=new_id(), member=member, name=name, query=query, created_at=portal.clock())


def forget(session: Session, member: str, name: str) -> None:
    """Forget a view of a member; one that is not there is forgotten already."""
    session.execute(delete(SavedView).where(SavedView.member == member, SavedView.name == name))
