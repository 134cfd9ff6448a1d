"""Whatever a visitor writes, the log has one line for each event (AC-H15)."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from app.portal import EXTENSION
from app.settings import Settings
from app.web import reports
from tests.web.conftest import Logged

EVIL = 'a\r\nFAKE {"level": "info"}\n\x1b[31mred\x1b[0m\x00\x07\x7f\x85\x9b31m\u2028\u2029b\u202e'
ENDS = ("\r", "\n", "\x1b", "\x00", "\x07", "\x7f", "\x85", "\x9b", "\u2028", "\u2029")


@pytest.fixture(params=["test", "demo"])
def loud(settings: Settings, request: pytest.FixtureRequest) -> Iterator[Flask]:
    """Give a portal that logs as production does, or as the demo does."""
    app = create_app(settings.model_copy(update={"portal_env": request.param}))
    yield app
    app.extensions[EXTENSION].database.close()
    create_app(settings).extensions[EXTENSION].database.close()  # the log is the process's: as it was


def test_ac_h15_every_field_stays_on_its_line(loud: Flask, logged: Logged) -> None:
    """CR, LF, ANSI and Unicode's line ends in event, field, nested value and exception make one line of JSON each."""
    log = structlog.get_logger()
    log.warning(EVIL, field=EVIL, nested={"key": [EVIL]}, name=EVIL)
    logging.getLogger("outside").warning("text %s", EVIL)
    lines = logged().split("\n")
    assert lines.pop() == ""
    assert len(lines) == 2
    for line in lines:
        assert not [end for end in ENDS if end in line]
        if loud.extensions[EXTENSION].settings.portal_env == "test":
            told = json.loads(line)
            assert told["level"] == "warning"
    if loud.extensions[EXTENSION].settings.portal_env == "test":
        assert json.loads(lines[0])["field"] == EVIL  # nothing is lost


def test_ac_h15_requests_can_not_forge_a_line(settings: Settings, client: FlaskClient, logged: Logged) -> None:
    """Path, query, headers, form fields and webhook bodies with line ends leave only whole lines of JSON."""
    path = "/nowhere/%0d%0aFAKE%1b[31m%e2%80%a8"
    agent = {"User-Agent": "a\x1b[31mFAKE", "X-Forwarded-For": "1.2.3.4 FAKE", "Accept-Language": "FAKE\x85"}
    for method in ("get", "post"):
        getattr(client, method)(path, query_string={"q": EVIL, "lang": EVIL, "next": EVIL}, headers=agent)
    for route in ("/login", "/orders", "/login/code", f"/login/{'%0aFAKE' * 5}"):
        client.post(route, data={"email": EVIL, "code": EVIL, "product": EVIL, "filename": EVIL}, headers=agent)
    reports._logged.storage.reset()  # noqa: SLF001  (ten a minute of this process)
    report = {"csp-report": {"effective-directive": EVIL, "blocked-uri": EVIL}}
    assert client.post("/csp-reports", json=report).status_code == 204
    client.post("/webhooks/stripe", data=EVIL.encode(), headers={"Stripe-Signature": "t=1,v1=FAKE"})
    lines = logged().split("\n")
    assert lines.pop() == ""
    assert any("csp.blocked" in line for line in lines)
    for line in lines:
        json.loads(line)
        assert not [end for end in ENDS if end in line]
        assert not line.startswith("FAKE")
