"""Sending, with the real worker and the real mailbox."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import inspect, select, text

from app.errors import MailDownError
from app.gateways.mailer import SmtpMailer
from app.kit.ids import new_id
from app.mail import jobs
from app.models import Mail, Order
from app.portal import Portal
from tests.helpers import Sandbox, free_port, make_order, wait_for
from tests.login.steps import ask, mailed, post
from tests.mail.test_outbox import mails_of, queue


def state_of(portal: Portal, order: Order) -> str:
    return mails_of(portal, order)[0].state


def login_mail(portal: Portal, email: str) -> Mail:
    with portal.database.transaction() as session:
        return session.scalars(select(Mail).where(Mail.to == email, Mail.kind == "login")).one()


@pytest.mark.usefixtures("worker")
def test_an_order_mail_arrives_once_and_is_kept(portal: Portal, sandbox: Sandbox, email: str) -> None:
    order = make_order(portal, email=email, locale="ja")
    for _ in range(2):
        queue(portal, "result_open", order)
    wait_for(lambda: state_of(portal, order) == "sent", what="the mail")
    (arrived,) = sandbox.mails(email)
    row = mails_of(portal, order)[0]
    assert arrived["to"] == [email]
    assert arrived["subject"] == row.subject
    assert arrived["text"].split() == (row.text or "").split()
    assert order.id in arrived["html"]
    assert arrived["headers"]["Message-ID"] == f"<{row.id}@kaiseki.example>"
    assert row.sent_at is not None


@pytest.mark.usefixtures("worker")
def test_ac_l10_a_login_mail_leaves_no_secret_behind(
    client: FlaskClient, portal: Portal, sandbox: Sandbox, email: str
) -> None:
    ask(client, email)
    arrived = wait_for(lambda: sandbox.mails(email), what="the login mail")[0]
    secrets = mailed(portal, email)
    assert secrets.token in arrived["text"]
    assert secrets.code in arrived["text"]
    wait_for(lambda: login_mail(portal, email).state == "sent", what="the mark")
    row = login_mail(portal, email)
    assert (row.subject, row.text) == (None, None)
    assert _tables_that_hold(portal, secrets.token, secrets.code, secrets.code.replace("-", "")) == []
    assert "mails" in _tables_that_hold(portal, row.dedup_key)


def test_a_login_mail_that_comes_too_late_is_dropped(
    client: FlaskClient, portal: Portal, sandbox: Sandbox, email: str
) -> None:
    ask(client, email)
    late = portal.clock() - timedelta(seconds=1)
    other = f"late-{email}"
    row = _row(portal, other, kind="login", params=login_mail(portal, email).params, expires_at=late)
    assert jobs._send(row) == "dropped"  # noqa: SLF001  (the step, without a worker)
    assert sandbox.mails(other) == []


def test_a_used_link_is_not_mailed_any_more(client: FlaskClient, portal: Portal, sandbox: Sandbox, email: str) -> None:
    ask(client, email)
    post(client, f"/login/{mailed(portal, email).token}")
    other = f"used-{email}"
    row = _row(portal, other, kind="login", params=login_mail(portal, email).params)
    assert jobs._send(row) == "dropped"  # noqa: SLF001
    assert sandbox.mails(other) == []


def test_a_mail_server_that_is_down_leaves_the_mail_failed_and_the_next_try_sends_it(
    portal: Portal, sandbox: Sandbox, email: str
) -> None:
    order = make_order(portal, email=email)
    row = _row(portal, email, order_id=order.id)
    down = SmtpMailer(f"smtp://127.0.0.1:{free_port()}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(portal.mailer, "send", down.send)
        with pytest.raises(MailDownError):
            jobs._send(row)  # noqa: SLF001
    failed = mails_of(portal, order)[0]
    assert failed.state == "failed"
    assert "refused" in (failed.error or "")
    assert jobs._send(row) == "sent"  # noqa: SLF001
    assert jobs._send(row) == "sent"  # noqa: SLF001
    assert len(sandbox.mails(email)) == 1
    assert mails_of(portal, order)[0].error is None


def test_k9_a_repeat_has_the_same_message_id(portal: Portal, sandbox: Sandbox, email: str) -> None:
    order = make_order(portal, email=email)
    row = _row(portal, email, order_id=order.id)
    jobs._send(row)  # noqa: SLF001
    with portal.database.transaction() as session:  # as if the worker had died before it could say "sent"
        session.get_one(Mail, row).state = "queued"
    jobs._send(row)  # noqa: SLF001
    assert len(sandbox.mails(email)) == 2
    assert len({mail["headers"]["Message-ID"] for mail in sandbox.mails(email)}) == 1


def _row(portal: Portal, to: str, **columns: Any) -> str:
    """Store a mail without a job, so that no worker takes it."""
    mail_id = new_id()
    values = {"kind": "result_open", "params": {}, "order_id": None, **columns}
    with portal.database.transaction() as session:
        session.add(
            Mail(
                id=mail_id,
                dedup_key=f"test:{mail_id}",
                to=to,
                locale="en",
                state="queued",
                created_at=portal.clock(),
                **values,
            )
        )
    return mail_id


def _tables_that_hold(portal: Portal, *texts: str) -> list[str]:
    """Return every table, those of the job library included, in which one of the texts stands."""
    engine = portal.database.engine
    found = []
    with engine.connect() as connection:
        looker = inspect(connection)
        for schema in looker.get_schema_names():
            if schema in {"information_schema", "pg_catalog"}:
                continue
            for name in looker.get_table_names(schema):
                rows = connection.execute(text(f'SELECT * FROM "{schema}"."{name}"')).all()  # noqa: S608
                if any(part in str(row) for row in rows for part in texts):
                    found.append(name)
    return found


def test_a_mail_that_was_forgotten_with_its_order_is_nothing_to_send(portal: Portal) -> None:
    """Its job ends at once: tries in vain would keep the queue from others' mails."""
    assert jobs._send(new_id()) == "forgotten"  # noqa: SLF001
    jobs._try_later(new_id())  # noqa: SLF001
