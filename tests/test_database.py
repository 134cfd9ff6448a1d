"""One code path, two databases."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.database import Database, insert_once
from app.models import StaffMember
from app.portal import Portal
from tests.helpers import make_order


def member(portal: Portal, email: str) -> dict[str, object]:
    """Return the columns of a member of staff."""
    return {"email": email, "role": "viewer", "created_at": portal.clock()}


def test_insert_once_tells_who_was_first(portal: Portal, email: str) -> None:
    with portal.database.transaction() as session:
        assert insert_once(session, StaffMember, **member(portal, email))
        assert not insert_once(session, StaffMember, **member(portal, email))
    with portal.database.transaction() as session:
        assert not insert_once(session, StaffMember, **member(portal, email))


def test_an_exception_leaves_nothing(portal: Portal, email: str) -> None:

    def insert_and_fail() -> None:
        with portal.database.transaction() as session:
            insert_once(session, StaffMember, **member(portal, email))
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        insert_and_fail()
    with portal.database.transaction() as session:
        assert session.get(StaffMember, email) is None


def test_times_come_back_in_utc(portal: Portal, email: str) -> None:
    now = portal.clock()
    with portal.database.transaction() as session:
        session.add(StaffMember(email=email, role="viewer", created_at=now))
    with portal.database.transaction() as session:
        assert session.get_one(StaffMember, email).created_at == now


def test_sqlite_is_durable_and_strict(portal: Portal, backend: str) -> None:
    if backend != "sqlite":
        return
    with portal.database.engine.connect() as connection:
        found = {
            p: connection.execute(text(f"PRAGMA {p}")).scalar() for p in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_a_connection_that_the_database_dropped_is_replaced(
    own_house: tuple[Portal, dict[str, str]], backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D3: seen when it is taken from the pool after idling."""
    portal, _ = own_house
    if backend != "postgresql":
        return
    with portal.database.transaction() as session:
        before = session.scalar(text("SELECT pg_backend_pid()"))
    other = Database(portal.settings.database_url.get_secret_value())
    with other.transaction() as session:
        assert session.scalar(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": before})
    other.engine.dispose()
    monkeypatch.setattr("app.database.PING_AFTER_S", 0)
    with portal.database.transaction() as session:
        assert session.scalar(text("SELECT pg_backend_pid()")) != before


def test_an_error_does_not_quote_the_data(portal: Portal, email: str) -> None:
    make_order(portal, email=email, id=email[:36])
    with pytest.raises(IntegrityError) as caught:
        make_order(portal, email=f"other-{email}", id=email[:36])
    assert f"other-{email}" not in str(caught.value)
