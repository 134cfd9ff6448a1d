"""The staff log: what an entry says, that it only grows, that a change shows, and how it is read (AC-S05)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask, current_app
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.kit.ids import new_id
from app.models import Finding, Mark, StaffLogEntry
from app.portal import Portal
from app.recovery.report import LOG_BROKEN
from app.staff.log import write
from app.staff.log.chain import HEAD, NOTHING, broken_at, digest_of, read_mark
from app.staff.log.check import CHECKED, check
from app.staff.log.reading import PAGE
from tests.helpers import make_order, wait_for
from tests.login.steps import post
from tests.staff.member import log_of, member

OFF = {
    "sqlite": [f"DROP TRIGGER staff_log_no_{verb}" for verb in ("update", "delete")],
    "postgresql": ["ALTER TABLE staff_log DISABLE TRIGGER staff_log_only_grows"],
}


@pytest.fixture
def house(own_house: tuple[Portal, dict[str, str]]) -> tuple[Portal, Flask]:
    """Give a portal whose staff log is empty, and its application."""
    return own_house[0], current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001


def fill(portal: Portal, count: int = 5) -> None:
    """Write entries, each in a transaction of its own."""
    for number in range(count):
        with portal.database.transaction() as session:
            write(session, "order.test", f"order:{number}", reason=f"because {number}", number=number)


def break_in(portal: Portal, *statements: str) -> None:
    """Do what only the owner of the database can: without the triggers."""
    engine = portal.database.engine
    with engine.begin() as connection:
        for statement in (*OFF[engine.dialect.name], *statements):
            connection.execute(text(statement))


def test_ac_s05_an_entry_says_who_when_from_where_what_and_why(portal: Portal, app: Flask) -> None:
    """Member, role, network, time in UTC, action, object, reason; of what changed a digest, and nothing of it."""
    order, who = make_order(portal), member(portal, app, "support")
    before = portal.clock()
    assert post(who.client, f"/staff/orders/{order.id}/view-as", reason="Asked by phone").status_code == 303
    entry = log_of(portal, f"order:{order.id}")[-1]
    assert (entry.member, entry.role, entry.network) == (who.email, "support", "127.0.0.1")
    assert (entry.action, entry.reason) == ("order.view_begin", "Asked by phone")
    assert before <= entry.at <= portal.clock()
    with portal.database.transaction() as session:
        write(session, "order.test", f"order:{order.id}", before={"email": order.email}, after=None)
    entry = log_of(portal, f"order:{order.id}")[-1]
    assert (entry.member, entry.network, entry.after) == ("command line", None, None)
    assert entry.before is not None
    assert len(entry.before) == 64
    assert order.email not in str(vars(entry))


def test_ac_s05_the_database_refuses_to_change_or_delete_an_entry(house: tuple[Portal, Flask]) -> None:
    """UPDATE, DELETE and TRUNCATE fail for the portal's own user of the database; the chain stays whole."""
    portal = house[0]
    fill(portal)
    empty = ["TRUNCATE staff_log"] if portal.database.engine.dialect.name == "postgresql" else []
    for statement in ("UPDATE staff_log SET reason = 'x' WHERE seq = 2", "DELETE FROM staff_log", *empty):
        with pytest.raises(DBAPIError, match="only grows"), portal.database.engine.begin() as connection:
            connection.execute(text(statement))
    with portal.database.transaction() as session:
        assert broken_at(session) is None
        assert len(session.scalars(select(StaffLogEntry)).all()) == 5


def test_ac_s05_entries_of_many_at_once_are_one_chain(house: tuple[Portal, Flask]) -> None:
    """Eight threads write five entries each: numbers without a gap, every digest fits."""
    portal, app = house

    def work(_number: int) -> None:
        with app.app_context():
            fill(portal)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    with portal.database.transaction() as session:
        assert broken_at(session) is None
        assert session.scalars(select(StaffLogEntry.seq).order_by(StaffLogEntry.seq)).all() == list(range(1, 41))


def _made_anew(portal: Portal) -> None:
    """Change an entry and compute all that follows from it, the head too: a chain that fits in itself."""
    break_in(portal)
    with portal.database.transaction() as session:
        previous = NOTHING
        for entry in session.scalars(select(StaffLogEntry).order_by(StaffLogEntry.seq)).all():
            entry.previous = previous
            entry.reason = "harmless" if entry.seq == 3 else entry.reason
            entry.digest = previous = digest_of(entry)
        session.execute(update(Mark).where(Mark.name == HEAD).values(value=f"{entry.seq} {previous}"))


def _cut_off(portal: Portal) -> None:
    """Take the newest entry away, and set the head back to the one before."""
    break_in(portal, "DELETE FROM staff_log WHERE seq = 5")
    with portal.database.transaction() as session:
        last = session.get_one(StaffLogEntry, 4)
        session.execute(update(Mark).where(Mark.name == HEAD).values(value=f"4 {last.digest}"))


COPY = ", ".join(f'"{c.name}"' for c in StaffLogEntry.__table__.columns if c.name != "seq")
TAMPERING: dict[str, tuple[Callable[[Portal], None], int]] = {
    "changed": (lambda portal: break_in(portal, "UPDATE staff_log SET reason = 'x' WHERE seq = 2"), 2),
    "deleted": (lambda portal: break_in(portal, "DELETE FROM staff_log WHERE seq = 3"), 3),
    "first deleted": (lambda portal: break_in(portal, "DELETE FROM staff_log WHERE seq = 1"), 1),
    "last deleted": (lambda portal: break_in(portal, "DELETE FROM staff_log WHERE seq = 5"), 5),
    "all deleted": (lambda portal: break_in(portal, "DELETE FROM staff_log"), 1),
    "put behind": (
        lambda portal: break_in(portal, f"INSERT INTO staff_log (seq, {COPY}) SELECT 6, {COPY} FROM staff_log LIMIT 1"),  # noqa: S608
        6,
    ),
    "made anew as a whole": (_made_anew, 5),
    "cut off, with the head": (_cut_off, 5),
}


@pytest.mark.parametrize("how", TAMPERING)
def test_ac_s05_the_daily_check_finds_what_was_tampered_with(house: tuple[Portal, Flask], how: str) -> None:
    """The first entry that does not fit is named in a finding and on the viewer's page, until the log fits again."""
    portal, app = house
    fill(portal)
    assert check() is None
    tamper, first = TAMPERING[how]
    tamper(portal)
    run = app.test_cli_runner().invoke(args=["portal", "staff", "check-log"])
    assert (run.exit_code, run.output) == (1, f"Error: the staff log is broken at entry {first}\n")
    with portal.database.transaction() as session:
        found = session.scalars(select(Finding).where(Finding.closed_at.is_(None))).all()
    assert [(finding.kind, finding.subject) for finding in found] == [(LOG_BROKEN, f"entry {first}")]
    admin = member(portal, app, "admin").client
    assert f"broken at entry {first}" in admin.get("/staff/log").text
    assert "The log of the back office was changed" in admin.get("/staff/findings").text
    _start_anew(portal)
    run = app.test_cli_runner().invoke(args=["portal", "staff", "check-log"])
    assert (run.exit_code, run.output) == (0, "the staff log is whole\n")
    assert "broken at" not in admin.get("/staff/log").text


def _start_anew(portal: Portal) -> None:
    """Stand in for a restored backup: here, one from before the first entry."""
    with portal.database.transaction() as session:
        session.execute(text("DELETE FROM staff_log"))
        session.execute(text("DELETE FROM marks WHERE name LIKE 'staff_log%'"))


def test_ac_s05_a_worker_checks_the_chain(portal: Portal, worker: None) -> None:
    """The job that runs by itself once a day, in a real worker: what it found right is a mark."""
    fill(portal, 1)
    with portal.database.transaction() as session:
        head = read_mark(session.get_one(Mark, HEAD).value)[0]
        portal.jobs.enqueue(session, "staff.log_check", new_id())

    def checked() -> bool:
        with portal.database.transaction() as session:
            mark = session.get(Mark, CHECKED)
            return mark is not None and read_mark(mark.value)[0] >= head

    wait_for(checked, what="the check of the staff log")


def test_the_viewer_shows_filters_and_pages(house: tuple[Portal, Flask]) -> None:
    portal, app = house
    admin = member(portal, app, "admin")
    assert "No entry fits." in admin.client.get("/staff/log").text
    assert "was not checked yet" in admin.client.get("/staff/log").text
    order_id = new_id()
    fill(portal, PAGE)

    def more(session: Session) -> None:
        write(session, "order.resend", f"order:{order_id}", reason="<b>asked</b>", mail="voucher")
        write(session, "staff.disable", "staff:a@kaiseki.example")

    with portal.database.transaction() as session:
        more(session)
    assert check() is None
    newest = admin.client.get("/staff/log").text
    assert f"all {PAGE + 2} entries" in newest
    assert "&lt;b&gt;asked&lt;/b&gt;" in newest
    assert "Send a mail once more" in newest
    assert f"/staff/orders/{order_id}" in newest
    assert "because 49" in newest
    assert "because 1<" not in newest
    older = admin.client.get(f"/staff/log?before={3}").text
    assert ("because 1<" in older, "because 2<" in older) == (True, False)
    assert f"before={PAGE + 2 - PAGE + 1}" in newest
    for query, entries in (
        ("member=command%20line", PAGE),
        ("member=nobody", 0),
        ("action=staff.disable", 1),
        (f"object={order_id}", 1),
        (f"object=order:{order_id}", 1),
        (f"object={order_id}&action=staff.disable", 0),
    ):
        page = admin.client.get(f"/staff/log?{query}").text
        assert (f"Entries on this page: {entries}" in page) == (entries > 0), query


REFUSED = ("before=x", "before=-1", "before=%D9%A3", f"before={'9' * 40}", f"member={'a' * 300}", "object=%00")


@pytest.mark.parametrize("query", REFUSED)
def test_what_the_viewer_can_t_be_asked_is_refused(portal: Portal, app: Flask, query: str) -> None:
    assert member(portal, app, "admin").client.get(f"/staff/log?{query}").status_code == 422
