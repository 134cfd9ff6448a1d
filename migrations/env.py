"""Runs migrations on the portal's database: our tables, then those of the job library in the same database."""

from alembic import context
from dbos import DBOS
from sqlalchemy import event

from app.database import Database
from app.jobs import SYSTEM_SCHEMA
from app.kit.failpoints import arm, fail_point
from app.models import Base
from app.settings import load_settings
from app.startup import must_be_fit


def run() -> None:
    """Migrate what is configured, or what a test hands over."""
    url = context.config.attributes.get("database_url")
    if url is None:
        settings = load_settings()
        must_be_fit(settings)
        arm(settings.failpoint)
        url = settings.database_url.get_secret_value()
    database = Database(url)
    with database.engine.connect() as connection:
        event.listen(connection, "before_cursor_execute", lambda *_: fail_point("migration.statement"))
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=connection.dialect.name == "sqlite",
            include_name=lambda name, type_, _parents: type_ != "table" or name in Base.metadata.tables,
            compare_type=True,
            transactional_ddl=True,
        )
        if connection.dialect.name == "sqlite":
            # The driver begins no transaction for DDL by itself, and a migration that was killed in the middle (K11)
            # would leave half of its tables.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        with context.begin_transaction():
            context.run_migrations()
    database.close()
    command = getattr(context.config.cmd_opts, "cmd", None)
    if command is None or command[0].__name__ == "upgrade":
        DBOS.migrate(url, schema=SYSTEM_SCHEMA)


run()
