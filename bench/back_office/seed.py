"""A database full of orders in minutes: rows by COPY or executemany, no triggers, the search filled at the end."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain, islice
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from app.database import Database
from bench.back_office.people import Row
from tests.helpers import ROOT

AT_ONCE = 5000
Rows = dict[str, list[Row]]
TABLES = ("orders", "payments", "refunds", "stripe_events", "audit", "mails")
FILL = text(
    "INSERT INTO order_words (order_id, created_at, words)"
    " SELECT order_id, created_at, words FROM order_words_source ORDER BY created_at"
)


def fill(url: str, made: Iterator[Rows]) -> None:
    """Migrate an empty database and put orders into it, with all that hangs on them."""
    config = Config(toml_file=ROOT / "pyproject.toml")
    config.attributes["database_url"] = url
    command.upgrade(config, "head")
    database = Database(url)
    with database.engine.begin() as connection:
        (_into_postgresql if connection.dialect.name == "postgresql" else _into_sqlite)(connection, made)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE" if connection.dialect.name == "postgresql" else "PRAGMA user_version"))
    database.close()


def _into_postgresql(connection: Connection, made: Iterator[Rows]) -> None:
    index = connection.scalar(text("SELECT indexdef FROM pg_indexes WHERE indexname = 'ix_order_words_pieces'"))
    for statement in (
        "SET LOCAL statement_timeout = 0",
        "SET LOCAL maintenance_work_mem = '512MB'",
        "SET LOCAL session_replication_role = replica",  # no triggers, those of foreign keys neither
        "DROP INDEX ix_order_words_pieces",
    ):
        connection.execute(text(statement))
    for table, columns, rows in _parts(made):
        names = ", ".join(columns)
        with connection.connection.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:  # type: ignore[attr-defined]
            for row in rows:
                copy.write_row([row[name] for name in columns])
    connection.execute(FILL)
    connection.exec_driver_sql(str(index))


def _into_sqlite(connection: Connection, made: Iterator[Rows]) -> None:
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name <> 'staff_log'"
    triggers = connection.execute(text(query)).all()
    for name, _ in triggers:
        connection.exec_driver_sql(f"DROP TRIGGER {name}")
    for table, columns, rows in _parts(made):
        marks = ", ".join("?" * len(columns))
        values = [tuple(_plain(row[name]) for name in columns) for row in rows]
        connection.exec_driver_sql(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", values)  # noqa: S608
    connection.execute(FILL)
    connection.execute(text("INSERT INTO order_pieces (order_pieces) VALUES ('rebuild')"))
    for _, statement in triggers:
        connection.exec_driver_sql(statement)


def _parts(made: Iterator[Rows]) -> Iterator[tuple[str, Sequence[str], list[Row]]]:
    """Yield some rows of one table after the other, orders before what hangs on them."""
    while some := list(islice(made, AT_ONCE)):
        for table in TABLES:
            rows = list(chain.from_iterable(one[table] for one in some))
            if rows:
                yield table, list(rows[0]), rows


def _plain(value: Any) -> Any:  # noqa: ANN401  (whatever a column holds)
    """Write a time as SQLAlchemy does on SQLite."""
    return value.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(value, datetime) else value
