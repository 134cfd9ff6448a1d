"""Engine and unit of work. SQLite (WAL) and PostgreSQL run the same code.

A view, a job step or a command opens `with transaction():` around what belongs together; services never commit.
No transaction is held open across a call to Stripe, S3 or the mail server.
"""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Engine, Executable, Table, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

BUSY_TIMEOUT_MS = 10_000
CONNECT_TIMEOUT_S = 5
PING_AFTER_S = 1.0
POOL_TIMEOUT_S = 2  # a full pool answers 503 quickly instead of piling up threads
POOL = 10  # connections of a process, and as many again in a rush
RESERVED = 5  # apart from them, for webhooks: pages that hold every connection don't keep Stripe out (D6)


class Database:
    """The engine and its transactions."""

    def __init__(self, url: str) -> None:
        """Take a SQLAlchemy address; the folder of a SQLite file is made when missing."""
        self.url = url
        self.engine = _engine(url, POOL)
        self._reserved = _engine(url, RESERVED, isolation_level="AUTOCOMMIT")
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open a session; commit at the end, roll back on any exception."""
        with self._sessions.begin() as session:
            yield session

    @contextmanager
    def one_statement(self) -> Iterator[Session]:
        """Open a session for one statement that stands alone, on a connection kept for webhooks.

        On PostgreSQL it commits itself: one round trip instead of three.
        """
        with self._sessions(bind=self._reserved) as session, session.begin():
            yield session

    def close(self) -> None:
        """Close every connection; the next transaction opens new ones."""
        self.engine.dispose()
        self._reserved.dispose()


def insert_once(session: Session, model: type[DeclarativeBase], **values: Any) -> bool:  # noqa: ANN401  (columns)
    """Insert a row unless one with the same unique key is there; returns whether this call inserted it."""
    session.flush()
    columns = model.__mapper__.columns
    row = {columns[name].key: value for name, value in values.items()}
    done = session.execute(_insert_or_ignore(model, session.get_bind().dialect.name), row)
    return bool(done.rowcount == 1)  # type: ignore[attr-defined]


@cache
def _insert_or_ignore(model: type[DeclarativeBase], dialect: str) -> Executable:
    """Build the statement once, and on the table: the ORM's own INSERT costs twice the time."""
    table = cast("Table", model.__table__)
    insert = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    return insert.on_conflict_do_nothing().execution_options(preserve_rowcount=True)


def _engine(url: str, size: int, **options: Any) -> Engine:  # noqa: ANN401  (SQLAlchemy's)
    if make_url(url).get_backend_name() != "sqlite":
        engine = create_engine(
            url,
            hide_parameters=True,  # errors go into the log, and parameters are customers' addresses (AC-P04)
            pool_size=size,
            max_overflow=size,
            pool_timeout=POOL_TIMEOUT_S,
            connect_args={
                "connect_timeout": CONNECT_TIMEOUT_S,
                # The last one: a worker that is frozen in a transaction must not hold an order for ever (Q2).
                "options": "-c lock_timeout=10000 -c statement_timeout=30000 -c timezone=UTC"
                " -c idle_in_transaction_session_timeout=30000"
                # Where the planner thought a search of some milliseconds dear, compiling it took 0.2 s.
                " -c jit=off",
            },
            **options,
        )
        event.listen(engine, "checkin", _note_idling)
        event.listen(engine, "checkout", _ping_after_idling)
        return engine
    name = make_url(url).database
    if name:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_size=size,
        max_overflow=size,
        pool_timeout=POOL_TIMEOUT_S,
        connect_args={"check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _note_idling(_connection: object, record: ConnectionPoolEntry) -> None:
    record.info["idle_since"] = time.monotonic()


def _ping_after_idling(connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:  # noqa: ANN401  (driver's)
    """See that a connection lives (D3), unless it was used a moment ago: a ping costs a round trip."""
    if time.monotonic() - record.info.get("idle_since", math.inf) < PING_AFTER_S:
        return
    try:
        connection.execute("")
        connection.rollback()
    except connection.Error as error:
        raise InvalidatePoolError from error  # the pool drops all it has and opens a new one


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401  (the driver's own type)
    # IMMEDIATE takes the write lock with the first writing statement, so a transaction never fails half-way
    # because another one wrote first; plain reads take no lock at all.
    connection.isolation_level = "IMMEDIATE"
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",  # an answered webhook must survive a power cut (I5)
        "foreign_keys=ON",
        "cache_size=-16384",  # KiB: the usual 2 MiB do not hold what a search looks through
    ):
        connection.execute(f"PRAGMA {pragma}")
