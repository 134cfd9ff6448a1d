"""A database of a house's own, whose tables lie on a small disk that can be filled."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import NullPool, create_engine, text

from app.portal import Portal
from tests.conftest import migrate
from tests.postgresql import postgresql

DISK_BYTES = 64 * 1024**2


@contextmanager
def _small_disk(folder: Path) -> Iterator[None]:
    """Put a small file system under a folder, where the machine lets us."""
    folder.mkdir(mode=0o777)
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=777", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def database_in(stack: ExitStack, backend: str, folder: Path) -> str:
    """Make a migrated database whose tables lie in `folder/disk`."""
    stack.enter_context(_small_disk(folder / "disk"))
    url = f"sqlite:///{folder / 'disk' / 'portal.sqlite3'}"
    if backend == "postgresql":
        server = stack.enter_context(postgresql(folder))
        place = folder / "disk" / "tables"
        place.mkdir(mode=0o700)
        shutil.chown(place, (folder / "postgresql").owner())
        run_sql(server, f"CREATE TABLESPACE disk LOCATION '{place}'")
        run_sql(server, "CREATE DATABASE house TABLESPACE disk")
        url = f"{server.rpartition('/')[0]}/house"
    migrate(url)
    return url


def run_sql(url: str, statement: str) -> list[Any]:
    """Run one statement outside a transaction; return its rows."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        found = connection.execute(text(statement))
        return [*found] if found.returns_rows else []


@contextmanager
def writes_blocked(portal: Portal) -> Iterator[None]:
    """Let no webhook write while the block runs: another writer is at work."""
    engine = portal.database.engine
    sqlite = engine.dialect.name == "sqlite"
    lock = "BEGIN IMMEDIATE" if sqlite else "LOCK TABLE stripe_events IN SHARE ROW EXCLUSIVE MODE"
    with engine.connect() as connection:
        connection.exec_driver_sql(lock)
        yield
        connection.rollback()


@contextmanager
def disk_full(folder: Path) -> Iterator[None]:
    """Leave not a byte on the small disk of a house's folder while the block runs."""
    disk = folder / "disk"
    assert disk.is_mount(), "mounting a file system needs root (CAP_SYS_ADMIN)"
    ballast = disk / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    try:
        yield
    finally:
        ballast.unlink()
