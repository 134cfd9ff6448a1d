"""A store for the `limits` library in the portal's own database, so that all web processes share their counts."""

from datetime import timedelta

from flask import Flask
from limits.storage import Storage
from sqlalchemy import case, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from app.kit.clock import system_clock
from app.models import RateCount
from app.portal import EXTENSION, Portal


class DatabaseCounts(Storage):
    """Counts by key; each counts for a while and then begins anew. Time is the machine's."""

    STORAGE_SCHEME = None  # made here only, never from an address

    def __init__(self, app: Flask) -> None:
        """Count in the database of this application's portal."""
        super().__init__()
        self._portal: Portal = app.extensions[EXTENSION]

    @property
    def base_exceptions(self) -> type[Exception]:
        """What may go wrong; the portal answers 503 to it."""
        return SQLAlchemyError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Add to a count and return it; one whose time is over begins anew for `expiry` seconds."""
        now = system_clock()
        with self._portal.database.transaction() as session:
            dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
            statement = dialect.insert(RateCount).values(key=key, count=amount, ends_at=now + timedelta(seconds=expiry))
            over, new = RateCount.ends_at <= now, statement.excluded
            statement = statement.on_conflict_do_update(
                index_elements=[RateCount.key],
                set_={
                    "count": case((over, new.count), else_=RateCount.count + new.count),
                    "ends_at": case((over, new.ends_at), else_=RateCount.ends_at),
                },
            )
            return int(session.execute(statement.returning(RateCount.count)).scalar_one())

    def get(self, key: str) -> int:
        """Return a count."""
        found = self._row(key)
        return found.count if found else 0

    def get_expiry(self, key: str) -> float:
        """Return when a count begins anew, in seconds since 1970."""
        found = self._row(key)
        return (found.ends_at if found else system_clock()).timestamp()

    def _row(self, key: str) -> RateCount | None:
        with self._portal.database.transaction() as session:
            return session.scalar(select(RateCount).where(RateCount.key == key, RateCount.ends_at > system_clock()))

    def check(self) -> bool:
        """Tell whether the store answers."""
        self.get("")
        return True

    def reset(self) -> int | None:
        """Forget every count."""
        with self._portal.database.transaction() as session:
            session.execute(delete(RateCount))
        return None

    def clear(self, key: str) -> None:
        """Forget one count."""
        with self._portal.database.transaction() as session:
            session.execute(delete(RateCount).where(RateCount.key == key))
