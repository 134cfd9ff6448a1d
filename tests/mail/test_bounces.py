"""A mail that came back: SES tells EventBridge, that tells our queue, and staff see the mail as failed."""

import json
import subprocess
import sys
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml  # type: ignore[import-untyped]
from botocore.stub import ANY, Stubber
from flask import Flask

from app.events import MAIL_BOUNCED, ROOMS_WITH_EVENTS, Consumer
from app.gateways.mailer import TAG, SesMailer
from app.gateways.queue import Message, Queue
from app.kit.ids import new_id
from app.mail.events import LONGEST_ERROR
from app.models import Mail
from app.portal import Portal
from app.staff.attention.kinds import MAIL
from app.staff.attention.service import thing_of
from app.staff.attention.sources import LATE_MAIL
from tests.helpers import ROOT, make_order

TEMPLATE = ROOT / "deploy" / "mail.yaml"
NO_SUCH_USER = "smtp; 550 5.1.1 user unknown"


def mail_of(portal: Portal, state: str) -> Mail:
    """Store a mail of an order."""
    order, values = make_order(portal), {"kind": "result_open", "locale": "ja", "params": {}, "state": state}
    with portal.database.transaction() as session:
        mail = Mail(id=new_id(), dedup_key=new_id(), order_id=order.id, to=order.email, created_at=order.created_at,
                    sent_at=order.created_at, **values)  # fmt: skip
        session.add(mail)
    return mail


def bounce(mail_id: str, *, why: str = NO_SUCH_USER, **mail: Any) -> Message:
    """Return what comes from the queue when a mail came back."""
    recipients = [{"emailAddress": "x@example.jp", "status": "5.1.1", "diagnosticCode": why}]
    told = {"bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": recipients}
    detail = {"eventType": "Bounce", "bounce": told, "mail": {"messageId": "0101-x", "tags": {TAG: [mail_id]}, **mail}}
    return Message("m1", json.dumps({"id": "e1", "detail-type": MAIL_BOUNCED, "detail": detail}), "handle")


def take(portal: Portal, app: Flask, message: Message) -> bool:
    """Hand a message to the consumer; returns whether it is done with."""
    gone: list[Message] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Queue, "delete", lambda _self, message: gone.append(message))
        Consumer(app, portal, Queue(portal.settings, "http://127.0.0.1:1/000000000000/none")).take(message)
    return gone == [message]


def state_of(portal: Portal, mail: Mail) -> tuple[str, str | None]:
    """Return a mail's state and error."""
    with portal.database.transaction() as session:
        row = session.get_one(Mail, mail.id)
        return row.state, row.error


def test_a_mail_that_came_back_needs_attention(portal: Portal, app: Flask) -> None:
    mail = mail_of(portal, "sent")
    for _ in range(2):  # SQS brings a message once or more
        assert take(portal, app, bounce(mail.id))
    assert state_of(portal, mail) == ("failed", f"Bounced (Permanent/General): {NO_SUCH_USER}")
    with portal.database.transaction() as session:
        session.get_one(Mail, mail.id).created_at = portal.clock() - LATE_MAIL * 2
    with portal.database.transaction() as session:
        found = thing_of(session, MAIL, mail.id, portal.clock())
    assert found is not None
    assert NO_SUCH_USER in (found.about or "")


def test_one_that_came_back_before_we_wrote_that_it_went_comes_again(portal: Portal, app: Flask) -> None:
    mail = mail_of(portal, "queued")
    assert not take(portal, app, bounce(mail.id))
    with portal.database.transaction() as session:
        session.get_one(Mail, mail.id).state = "sent"
    assert take(portal, app, bounce(mail.id))
    assert state_of(portal, mail)[0] == "failed"


@pytest.mark.parametrize("tags", [{}, {"other": ["x"]}, {TAG: ["not-ours"]}])
def test_mails_of_others_are_left_alone(tags: dict[str, Any], portal: Portal, app: Flask) -> None:
    assert take(portal, app, bounce("x", tags=tags))


def test_a_long_reason_is_cut(portal: Portal, app: Flask) -> None:
    mail = mail_of(portal, "sent")
    assert take(portal, app, bounce(mail.id, why="x" * LONGEST_ERROR))
    assert len(state_of(portal, mail)[1] or "") <= LONGEST_ERROR


def test_the_mail_carries_its_id_to_ses(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    ses = boto3.client("sesv2", region_name="ap-northeast-1")
    mailer, message, mail_id = SesMailer("ap-northeast-1"), EmailMessage(), new_id()
    message["Message-ID"] = f"<{mail_id}@kaiseki.example>"
    monkeypatch.setattr(mailer, "_ses", ses)
    with Stubber(ses) as stub:
        wanted = {"Content": ANY, "EmailTags": [{"Name": TAG, "Value": mail_id}]}
        stub.add_response("send_email", {"MessageId": "0101-x"}, wanted)
        mailer.send(message)
        stub.assert_no_pending_responses()


def test_the_template_is_clean_and_says_what_the_code_knows(tmp_path: Path) -> None:
    lint = str(Path(sys.executable).parent / "cfn-lint")
    done = subprocess.run([lint, TEMPLATE], capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (0, "")
    spoilt = tmp_path / "mail.yaml"
    spoilt.write_text(TEMPLATE.read_text().replace("EventPattern", "Pattern"))
    assert subprocess.run([lint, spoilt], capture_output=True, check=False, timeout=120).returncode
    rule = yaml.safe_load(TEMPLATE.read_text())["Resources"]["Bounced"]["Properties"]
    assert rule["EventPattern"]["detail-type"] == [MAIL_BOUNCED]
    assert "mail" in ROOMS_WITH_EVENTS
